"""``microblog``: the options that all commands share, and the list of commands."""

import os

import click

from microblog_streams.cli import accounts, follows, posts, timelines, tokens
from microblog_streams.cli.credentials import Credentials, default_path
from microblog_streams.cli.output import Output
from microblog_streams.cli.program import Program
from microblog_streams.cli.session import Session
from microblog_streams.client.client import PATIENCE

URL = "http://localhost:6066"


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", envvar="MICROBLOG_URL", default=URL, show_default=True, help="The server; several with commas.")
@click.option("--as", "name", envvar="MICROBLOG_AS", metavar="NAME", help="Who acts, where several are signed in.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, and nothing else, to stdout.")
@click.option("--patience", type=click.FloatRange(min=0.1), default=PATIENCE, help="Seconds to go on trying for.")
@click.version_option(package_name="microblog-streams", message="%(version)s")
@click.pass_context
def cli(context: click.Context, url: str, name: str | None, as_json: bool, patience: float) -> None:
    """Write, read and follow on a microblog.

    People are named by name or by id; put an @ before a name of digits alone.
    """
    token = os.environ.get("MICROBLOG_TOKEN") or None
    context.obj = Session(_urls(url), patience, name, token, Credentials(default_path()), Output(as_json))


def _urls(text: str) -> tuple[str, ...]:
    urls = tuple(each.strip().rstrip("/") for each in text.split(",") if each.strip())
    if not urls or not all(url.startswith(("http://", "https://")) for url in urls):
        raise click.BadParameter(f"{text!r} is not the URL of a server, like {URL}", param_hint="--url")
    return urls


for noun in (accounts, tokens, follows, posts, timelines):
    for each in noun.COMMANDS:
        cli.add_command(each)
