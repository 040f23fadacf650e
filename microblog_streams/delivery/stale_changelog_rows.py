"""Stale changelog rows: find records that may have come late, and publish the events of their edges again.

A table is recovered from its changelog, where the last record of a key wins, whatever version its row has. A worker
that lost a partition (frozen for longer than its session, or an ordinary rebalance) may have records in flight, which
reach Kafka after what the next owner wrote of the same rows: the next recovery would bring the old rows back. So these
rows are stale until their events are published again:

- a record was confirmed, or given up, when the lease on the partition was not certain any more;
- a record was given up under a certain lease, and Kafka may still have it in a connection and append it after later
  ones. It counts once the row is confirmed, or the generation has ended: before that it is sent again from here.

All other records were in the log while the partition was this worker's, hence before anything of its next owner.

``RowRepublisher`` then publishes the last event of each edge again, as PostgreSQL has it. The partition's owner writes
the row of an equal or higher version, with its changelog record, so the changelog's last record is right again. The
event also runs its effect: where a recovery has brought the old row back by then, it corrects the follower's timeline.
"""

import asyncio
import logging
from asyncio import Future
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any, Final

from faust.types.tuples import Message

from microblog_streams.aio.tasks import Service
from microblog_streams.delivery.lease import PartitionLease
from microblog_streams.domain.errors import NotMine, Transient

logger = logging.getLogger(__name__)

#: Keys that are kept, some 10 MiB. Events in flight bound what waits at one time to a hundredth of it.
MAX_ROWS = 100_000
#: Seconds between two checks for stale rows.
CHECK_SECONDS: Final = 0.5
#: Rows that one transaction publishes again.
BATCH_ROWS: Final = 500


class StaleChangelogRows:
    """The keys of stale rows, until the republisher takes them."""

    def __init__(self, lease: Callable[[Message], PartitionLease]) -> None:
        """``lease`` returns the lease on a message's partition."""
        self._lease = lease
        self._stale: set[bytes] = set()
        self._given_up: set[bytes] = set()

    def __len__(self) -> int:
        """Return the number of stale rows."""
        return len(self._stale)

    def watch(self, message: Message, key: bytes, record: "Future[Any]") -> None:
        """Check the lease on the event's partition when the row's record is confirmed or given up."""
        record.add_done_callback(partial(self._check, message, key))

    def _check(self, message: Message, key: bytes, record: "Future[Any]") -> None:
        # Retrieved in any case, or asyncio logs an error: after a revoke nothing else awaits the record.
        given_up = record.cancelled() or record.exception() is not None
        try:
            self._lease(message).check()
        except NotMine:
            self.add([key])
        else:
            if given_up:
                self._given_up.add(key)

    def confirmed(self, keys: Collection[bytes]) -> None:
        """Note that rows are in the changelog; one whose earlier record was given up is stale."""
        again = self._given_up.intersection(keys)
        self._given_up -= again
        self.add(again)

    def end_generation(self) -> None:
        """Note that the generation has ended: records that were given up are not sent again from here."""
        self.add(self._given_up)
        self._given_up = set()

    def add(self, keys: Collection[bytes]) -> None:
        """Add stale rows."""
        self._stale.update(keys)
        if (excess := len(self._stale) - MAX_ROWS) > 0:
            logger.critical("rows_in_doubt_forgotten count=%d", excess)
            self.take(excess)

    def take(self, limit: int) -> list[bytes]:
        """Remove and return up to ``limit`` stale rows; ``add`` them again where they could not be published."""
        return [self._stale.pop() for _ in range(min(limit, len(self._stale)))]


class RowRepublisher(Service):
    """Publishes the events of this worker's stale rows again.

    It waits until the worker is a member of the group with a certain lease: until then more records may be stale. A row
    stays stale while PostgreSQL is away.
    """

    def __init__(
        self,
        stale_rows: StaleChangelogRows,
        republish: Callable[[Collection[bytes]], Awaitable[int]],
        has_lease: Callable[[], bool],
    ) -> None:
        """``republish`` takes keys of rows, and returns how many of them have an event."""
        super().__init__()
        self._stale_rows = stale_rows
        self._republish = republish
        self._has_lease = has_lease
        self._lock = asyncio.Lock()

    async def republish(self) -> None:
        """Publish the events of all stale rows again; rows for which it fails stay stale."""
        async with self._lock:
            while keys := self._stale_rows.take(BATCH_ROWS):
                try:
                    count = await self._republish(keys)
                except Exception as exc:
                    self._stale_rows.add(keys)
                    unexpected = None if isinstance(exc, Transient) else exc
                    logger.warning("rows_in_doubt count=%d reason=%s", len(self._stale_rows), exc, exc_info=unexpected)
                    return
                logger.warning("rows_restated count=%d events=%d", len(keys), count)

    async def on_stop(self) -> None:
        """Republish once more, also rows whose records were given up: those may be confirmed after this stop."""
        self._stale_rows.end_generation()
        await self.republish()

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            if self._stale_rows and self._has_lease():
                await self.republish()
            await self.sleep(CHECK_SECONDS)
