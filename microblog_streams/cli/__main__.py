"""``microblog``, or ``python -m microblog_streams.cli``: the options before the command, and the list of commands."""

import os

import click

from microblog_streams.cli.commands import COMMANDS
from microblog_streams.cli.credentials import Credentials, default_path
from microblog_streams.cli.output import Output
from microblog_streams.cli.program import Program, Session
from microblog_streams.client.client import TOTAL_TIMEOUT_SECONDS

DEFAULT_URL = "http://localhost:6066"


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--url",
    envvar="MICROBLOG_URL",
    default=DEFAULT_URL,
    show_default=True,
    help="URL of the server, or of several workers, separated by commas.",
)
@click.option("--as", "name", envvar="MICROBLOG_AS", metavar="NAME", help="Act as this user (default: the last login).")
@click.option("--json", "as_json", is_flag=True, help="Write only JSON to stdout.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0.1),
    default=TOTAL_TIMEOUT_SECONDS,
    show_default=True,
    help="Seconds to retry a call for.",
)
@click.version_option(package_name="microblog-streams", message="%(version)s")
@click.pass_context
def cli(context: click.Context, url: str, name: str | None, as_json: bool, patience: float) -> None:
    """Write, read and follow on a microblog.

    Users are given by name or by id; put an @ before a name that consists of digits.
    """
    token = os.environ.get("MICROBLOG_TOKEN") or None
    context.obj = Session(_parse_urls(url), patience, name, token, Credentials(default_path()), Output(as_json))


def _parse_urls(text: str) -> tuple[str, ...]:
    urls = tuple(each.strip().rstrip("/") for each in text.split(",") if each.strip())
    if not urls or not all(url.startswith(("http://", "https://")) for url in urls):
        raise click.BadParameter(f"{text!r} is not the URL of a server, like {DEFAULT_URL}", param_hint="--url")
    return urls


for each in COMMANDS:
    cli.add_command(each)


if __name__ == "__main__":
    cli()
