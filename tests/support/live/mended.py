"""The application as a later version might be: it takes a ``schema`` header that does not parse for the first schema.

Run with ``faust -A`` in place of the package.
"""

from microblog_streams.domain import events
from tests.support.live.probe import app

events._schema = lambda headers: 1

__all__ = ["app"]
