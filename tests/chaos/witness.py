"""The application with a log line for each effect that it begins. Run with ``faust -A`` in place of the package."""

import logging

from microblog_streams.delivery.offset_acks import InFlightEvent
from microblog_streams.delivery.partition_processor import PartitionProcessor
from tests.support.live.probe import app

logger = logging.getLogger(__name__)
_start = PartitionProcessor._start


def _told(self: PartitionProcessor, pending: InFlightEvent) -> None:
    logger.info("effect_begun %s %d", self.name, pending.event.message.offset)
    _start(self, pending)


PartitionProcessor._start = _told  # type: ignore[method-assign]

__all__ = ["app"]
