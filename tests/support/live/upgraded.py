"""The application as it will be after an upgrade: it knows the events of the next major schema.

Run with ``faust -A`` in place of the package.
"""

from microblog_streams.domain import events
from tests.support.live.probe import app

events.SCHEMA = 2

__all__ = ["app"]
