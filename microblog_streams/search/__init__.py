"""Search: posts and users are found by what they say. A consumer of the events of its own fills the index.

``faust -A microblog_streams.search worker`` reads the attribute ``app``, the indexer, which is built on first use.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microblog_streams.bootstrap.indexer import IndexerApp


@cache
def _app() -> "IndexerApp":
    from microblog_streams.config import environment
    from microblog_streams.config.settings import exit_with_error, load_settings_or_exit
    from microblog_streams.domain.errors import SetupError

    try:
        environment.remove_foreign_variables()
        environment.check_packages()
        from microblog_streams.bootstrap.indexer import create_indexer  # its imports read the environment

        return create_indexer(load_settings_or_exit())
    except SetupError as exc:
        exit_with_error(exc)


def __getattr__(name: str) -> "IndexerApp":
    if name == "app":
        return _app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
