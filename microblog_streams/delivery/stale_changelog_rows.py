"""Which rows' changelog records may have come late: after those of the partition's next owner.

A table is recovered from its changelog, and the last record of a key wins there, whatever version its row has. A
worker that lost a partition (frozen for longer than its session, or an ordinary rebalance) may have records still
under way, and they reach Kafka after what the next owner wrote of the same rows: the next recovery would bring the old
rows back. So whoever finds that a record may have been late says so here, and the row is written again by its present
owner. In doubt are

- records of which nobody can say that the partition was this worker's when they were confirmed, or given up;
- records that were given up while it was: Kafka may still have them in a connection, and take them after later ones.
  These count once their row is confirmed, or the generation is over: before that they are sent again from here.

All others were in the log while the partition was this worker's, hence before anything of its next owner.
"""

import logging
from asyncio import Future
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from faust.types.tuples import Message

from microblog_streams.delivery.lease import PartitionLease
from microblog_streams.domain.errors import NotMine

logger = logging.getLogger(__name__)

#: Keys that are kept: some 10 MiB. What waits at one time is bounded by the events under way, a hundredth of it.
MOST = 100_000


class StaleChangelogRows:
    """The keys of the rows in doubt, until somebody takes them."""

    def __init__(self, lease: Callable[[Message], PartitionLease]) -> None:
        """``lease`` returns the hold on a message's partition."""
        self._lease = lease
        self._doubtful: set[bytes] = set()
        self._given_up: set[bytes] = set()

    def __len__(self) -> int:
        """Return how many rows are in doubt."""
        return len(self._doubtful)

    def watch(self, message: Message, key: bytes, record: "Future[Any]") -> None:
        """Look, when a row's record is confirmed or given up, whether the partition of its event is held."""
        record.add_done_callback(partial(self._look, message, key))

    def _look(self, message: Message, key: bytes, record: "Future[Any]") -> None:
        # Asked for in any case: where the partition is another's by now, nobody else does, and asyncio complains.
        given_up = record.cancelled() or record.exception() is not None
        try:
            self._lease(message).check()
        except NotMine:
            self.add([key])
        else:
            if given_up:
                self._given_up.add(key)

    def confirmed(self, keys: Collection[bytes]) -> None:
        """Note that the rows are in the changelog by now: where a record of one was given up, the row is in doubt."""
        again = self._given_up.intersection(keys)
        self._given_up -= again
        self.add(again)

    def over(self) -> None:
        """Note that the generation is over: what was given up is not sent again from here."""
        self.add(self._given_up)
        self._given_up = set()

    def add(self, keys: Collection[bytes]) -> None:
        """Take rows for doubtful."""
        self._doubtful.update(keys)
        if (excess := len(self._doubtful) - MOST) > 0:
            logger.critical("rows_in_doubt_forgotten count=%d", excess)
            self.take(excess)

    def take(self, limit: int) -> list[bytes]:
        """Return up to ``limit`` rows in doubt, and forget them: ``add`` them again where nothing could be done."""
        return [self._doubtful.pop() for _ in range(min(limit, len(self._doubtful)))]
