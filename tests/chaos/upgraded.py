"""The application as the next major version might be: it reads schema 2 too. Run with ``faust -A`` in its place."""

from microblog_streams.domain import events
from tests.support.live.probe import app

events.__dict__["SCHEMA"] = 2

__all__ = ["app"]
