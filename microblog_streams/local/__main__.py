"""``python -m microblog_streams.local infra|run``: what ``make infra`` and ``make run`` call."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from microblog_streams.config.settings import exit_with_error, load_settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.local.foreground import Foreground
from microblog_streams.local.gateway import GatewayOptions
from microblog_streams.local.jars import Interrupted
from microblog_streams.local.opensearch import OpenSearch
from microblog_streams.local.options import LocalSettings, load_local_settings
from microblog_streams.local.run import infra, run
from microblog_streams.local.stack import Stack


def main() -> None:
    """Run what was asked for, in the foreground; an expected failure is a few lines and exit status 3."""
    arguments = _parse()
    try:
        settings = load_settings()
        options = load_local_settings()
        console = Console()
        late = [OpenSearch] if arguments.search and arguments.what == "run" else []
        foreground = Foreground(Stack(settings.data_dir, options, console=console, late=late), console)
        if arguments.what == "infra":
            infra(foreground)
        else:
            run(foreground, settings, arguments.workers, gateway=_gateway(arguments.gateway, options))
    except SetupError as exc:
        exit_with_error(exc)
    except OSError as exc:  # a full disk, or a folder without permission
        exit_with_error(SetupError(str(exc)))
    except Interrupted:
        sys.exit(130)


def _gateway(template: Path | None, options: LocalSettings) -> GatewayOptions | None:
    if template is None:
        return None
    return GatewayOptions(template, options.gateway_port, options.gateway_certificate, options.gateway_key)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m microblog_streams.local", description=__doc__)
    parser.add_argument("what", choices=("infra", "run"), help="the stack alone, or with workers")
    parser.add_argument("--workers", type=_count, default=1, metavar="N", help="number of workers (1 to 16)")
    parser.add_argument(
        "--gateway", type=Path, metavar="TEMPLATE", help="also nginx in front of the workers, by this template"
    )
    parser.add_argument("--no-search", dest="search", action="store_false", help="run: without the search engine")
    return parser.parse_args()


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 16")


if __name__ == "__main__":
    main()
