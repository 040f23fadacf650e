"""The application as it will be after an upgrade: it knows the events of the next major schema.

Run with ``faust -A`` in place of the package.
"""

from microblog_streams.delivery import in_flight_event
from tests.support.live.probe import app

in_flight_event.SCHEMA = 2

__all__ = ["app"]
