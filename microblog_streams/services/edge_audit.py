"""Compares the followers tables with PostgreSQL once in each era, and when ``rebuild edges`` asks for it.

Each worker compares its own partitions and records which. A worker that gets a partition without a record compares it,
so each partition is compared once, also if workers die. A worker that learns of a new era compares all partitions that
it had before, also those that others have compared: until then it may have written rows of lost edges. For the same
reason, records of other workers count only after an era's first minute.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Collection
from math import inf
from time import monotonic
from typing import Final, Protocol

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import MicroblogError, NotMine
from microblog_streams.domain.models import Era

logger = logging.getLogger(__name__)

#: Seconds between two checks for partitions to compare.
CHECK_SECONDS: Final = 0.5
#: Seconds at the start of an era in which other workers may still be in the one before.
ERA_GRACE_SECONDS: Final = 60.0
#: Seconds between two log lines about a lasting failure.
QUIET_SECONDS: Final = 60.0


class Audits(Protocol):
    """The records of comparisons; ``stores.postgres`` implements it."""

    async def done(self, topic_set: int, audit: int) -> set[int]:
        """Return the partitions that were compared since this audit was asked for."""
        ...

    async def record(self, topic_set: int, partition: int, audit: int) -> None:
        """Note that a partition was compared."""
        ...


class EdgeAudit(Service):
    """The comparisons of one worker."""

    def __init__(
        self,
        audits: Audits,
        compare: Callable[[int], Awaitable[tuple[int, int]]],
        mine: Callable[[], Collection[int]],
        seen: Callable[[], tuple[Deployment, Era]],
        topic_set: int,
    ) -> None:
        """``compare`` takes a partition, ``mine`` are those that this worker has in full, ``seen`` is known by now."""
        super().__init__()
        self._audits = audits
        self._compare = compare
        self._mine = mine
        self._seen = seen
        self._topic_set = topic_set
        #: Era and audit in which each partition was compared last.
        self._compared: dict[int, tuple[int, int]] = {}
        #: Era and audit that were known when this worker was first seen to have each partition.
        self._had: dict[int, tuple[int, int]] = {}
        self._told = -inf

    async def look(self) -> None:
        """Compare the partitions that are due. Raises StoreUnavailable."""
        deployment, era = self._seen()
        number, mine = (era.number, deployment.audit), set(self._mine())
        self._had = {partition: self._had.get(partition, number) for partition in mine}
        self._compared = {partition: at for partition, at in self._compared.items() if partition in mine}
        due = [partition for partition in sorted(mine) if self._compared.get(partition) != number]
        if not deployment.audit or not due:
            return
        done = await self._audits.done(self._topic_set, deployment.audit)
        for partition in due:
            old = time.time() - era.began > ERA_GRACE_SECONDS
            if not (partition in done and self._had[partition] == number and old):
                await self._one(partition)
                await self._audits.record(self._topic_set, partition, deployment.audit)
            self._compared[partition] = number

    async def _one(self, partition: int) -> None:
        rows, lost = await self._compare(partition)
        say = logger.warning if lost else logger.info
        say("edges_compared partition=%d rows=%d lost=%d", partition, rows, lost)

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            try:
                await self.look()
                self._told = -inf
            except Exception as exc:
                self._tell(exc)
            await self.sleep(CHECK_SECONDS)

    def _tell(self, failure: Exception) -> None:
        if monotonic() - self._told < QUIET_SECONDS:
            return
        self._told = monotonic()
        if isinstance(failure, MicroblogError | NotMine):
            logger.info("edges_not_compared reason=%s", failure)
        else:
            logger.error("edges_not_compared", exc_info=failure)
