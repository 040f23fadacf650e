"""The application with a log line for each effect that it begins. Run with ``faust -A`` in place of the package."""

import sys

from microblog_streams.delivery.offset_acks import InFlightEvent
from microblog_streams.delivery.partition_processor import PartitionProcessor
from tests.support.live.probe import app

_start = PartitionProcessor._start


def _told(self: PartitionProcessor, pending: InFlightEvent) -> None:
    print(
        "effect_begun", self.name, pending.offset, file=sys.__stderr__, flush=True
    )  # log lines that repeat are folded
    _start(self, pending)


PartitionProcessor._start = _told  # type: ignore[method-assign]

__all__ = ["app"]
