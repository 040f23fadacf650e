"""Microblog on streams: a Faust application with a thin HTTP front.

``faust -A microblog_streams worker`` reads the attribute ``app`` of this package. The application is built on first
use, so that an import reads no settings and opens nothing. (A module ``app.py`` would hide the attribute.)
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microblog_streams.bootstrap.application import MicroblogApp


@cache
def _app() -> "MicroblogApp":
    from microblog_streams.config import environment
    from microblog_streams.config.settings import exit_with_error, load_settings_or_exit
    from microblog_streams.domain.errors import SetupError

    try:
        environment.remove_foreign_variables()
        environment.check_packages()
        from microblog_streams.bootstrap.application import create_app  # its imports read the environment

        return create_app(load_settings_or_exit())
    except SetupError as exc:
        exit_with_error(exc)


def __getattr__(name: str) -> "MicroblogApp":
    if name == "app":
        return _app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
