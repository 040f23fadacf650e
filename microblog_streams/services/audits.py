"""Audits for as long as a worker runs: of the followers tables, and of random timelines.

``EdgeAudit`` compares the followers tables with PostgreSQL once in each era, and when ``rebuild edges`` asks for it.
Each worker compares its own partitions and records which. A worker that gets a partition without a record compares it,
so each partition is compared once, also if workers die. A worker that learns of a new era compares all partitions that
it had before, also those that others have compared: until then it may have written rows of lost edges. For the same
reason, records of other workers count only after an era's first minute.

``Reconciler`` compares a random user's timeline with the truth every few seconds, and has a wrong one rebuilt. Delivery
loses and invents nothing, so ``repaired`` stays 0; this is the proof of it in production. A wrong timeline is made
cold, and the next read rebuilds it from PostgreSQL and Cassandra; a post that is missing in the author index is written
there first. The log line has the ids that are needed to find the cause. An audit has no result if the truth cannot be
known: a store is unavailable, or events stay in flight for long.
"""

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from itertools import islice
from math import inf
from time import monotonic
from typing import Final, Protocol

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import MicroblogError, NotMine, StoreUnavailable
from microblog_streams.domain.models import Era
from microblog_streams.operations.audit import Audit, FindingKind, Findings, WaitUntilCaughtUp, counted

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


@dataclass
class EdgeAuditCounts:
    """Comparisons of partitions since the start, the rows that they compared, and those that PostgreSQL had lost."""

    compared: int = 0
    failed: int = 0
    rows: int = 0
    lost: int = 0


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
        self.counts = EdgeAuditCounts()

    async def look(self) -> None:
        """Compare the partitions that are due. One that cannot be compared holds up no other.

        Raises StoreUnavailable at once, other failures after the last partition.
        """
        deployment, era = self._seen()
        number, mine = (era.number, deployment.audit), set(self._mine())
        self._had = {partition: self._had.get(partition, number) for partition in mine}
        self._compared = {partition: at for partition, at in self._compared.items() if partition in mine}
        due = [partition for partition in sorted(mine) if self._compared.get(partition) != number]
        if not deployment.audit or not due:
            return
        done = await self._audits.done(self._topic_set, deployment.audit)
        failure: Exception | None = None
        for partition in due:
            old = time.time() - era.began > ERA_GRACE_SECONDS
            if not (partition in done and self._had[partition] == number and old):
                try:
                    await self._one(partition)
                except StoreUnavailable:
                    raise
                except Exception as exc:
                    failure = failure or exc
                    continue
                await self._audits.record(self._topic_set, partition, deployment.audit)
            self._compared[partition] = number
        if failure is not None:
            raise failure

    async def _one(self, partition: int) -> None:
        rows, lost = await self._compare(partition)
        self.counts.compared += 1
        self.counts.rows += rows
        self.counts.lost += lost
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
        self.counts.failed += 1
        if monotonic() - self._told < QUIET_SECONDS:
            return
        self._told = monotonic()
        if isinstance(failure, MicroblogError | NotMine):
            logger.info("edges_not_compared reason=%s", failure)
        else:
            logger.error("edges_not_compared", exc_info=failure)


#: Users drawn until one of them has a timeline.
MAX_DRAWS: Final = 10
#: Findings that are logged with their ids.
MAX_LOGGED: Final = 10
#: With the number of findings of each kind.
_REPAIRED: Final = f"timeline_repaired user=%d {' '.join(f'{kind}=%d' for kind in FindingKind)} posts=%s"


class Reconciler(Service):
    """Audits one user after the other, for as long as the worker runs."""

    def __init__(
        self,
        audit: Audit,
        draw: Callable[[], Awaitable[int | None]],
        wait_until_caught_up: WaitUntilCaughtUp,
        interval: float,
    ) -> None:
        """``draw`` returns a random user; ``interval`` is the number of seconds between two audits, 0 for none."""
        super().__init__()
        self.checked = self.repaired = 0
        #: Wrong entries by kind.
        self.findings: Counter[str] = Counter({kind.value: 0 for kind in FindingKind})
        self._audit = audit
        self._draw = draw
        self._wait_until_caught_up = wait_until_caught_up
        self._interval = interval

    async def reconcile(self) -> None:
        """Audit a random user; where the timeline is wrong, make it cold. Raises MicroblogError."""
        for _ in range(MAX_DRAWS):
            user = await self._draw()
            if user is not None and (findings := await self._audit.compare(user)) is not None:
                findings = await self._audit.confirmed(user, findings, self._wait_until_caught_up)
                self.checked += 1
                if findings:
                    await self._repair(user, findings)
                return

    async def _repair(self, user: int, findings: Findings) -> None:
        await self._audit.repair(user, findings)
        self.repaired += 1
        counts = counted(findings)
        self.findings.update(counts)
        named = ",".join(f"{each.kind}:{each.post_id}:{each.author}" for each in islice(sorted(findings), MAX_LOGGED))
        logger.error(_REPAIRED, user, *counts.values(), named)

    @Service.task
    async def _run(self) -> None:
        while self._interval and not self.should_stop:
            await self.sleep(self._interval)
            try:
                await self.reconcile()
            except MicroblogError as exc:
                logger.info("audit_skipped reason=%s", exc)
            except Exception:
                logger.exception("audit_failed")
