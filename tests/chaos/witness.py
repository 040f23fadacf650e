"""The application with a log line for each effect that it begins. Run with ``faust -A`` in place of the package."""

import logging

from microblog_streams.delivery.in_flight_event import Parcel
from microblog_streams.delivery.partition_processor import Lane
from tests.live.probe import app

logger = logging.getLogger(__name__)
_start = Lane._start


def _told(self: Lane, parcel: Parcel) -> None:
    logger.info("effect_begun %s %d", self.name, parcel.event.message.offset)
    _start(self, parcel)


Lane._start = _told  # type: ignore[method-assign]

__all__ = ["app"]
