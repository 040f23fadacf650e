"""Rebuilds a cold timeline on its first read, while pushes to it go on.

The builder first writes a mark. From then on pushes are accepted, so no post is missed between reading the source and
the write of the list. A follow or unfollow in this time raises the mark's counter, and the builder reads the followees
again. A builder that fails removes its mark. One that dies leaves it behind: a reader that sees no renewal for
MARK_TIMEOUT_SECONDS takes it over.

A reader waits at most READER_WAIT_SECONDS. Most rebuilds take some ten milliseconds, but with 20,000 followees it is
seconds; the rebuild then goes on, and the reader gets the newest entries read so far.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

from microblog_streams.aio.failures import best_effort
from microblog_streams.aio.tasks import cancel_all
from microblog_streams.domain.errors import Transient, Unfinished
from microblog_streams.domain.measures import REBUILD_SECONDS, Histogram
from microblog_streams.operations.timelines.merge_read import EntryWindow
from microblog_streams.operations.timelines.sources import Source
from microblog_streams.ports import Building, TimelineStore

logger = logging.getLogger(__name__)

#: Seconds without renewal of a mark after which its builder counts as dead.
MARK_TIMEOUT_SECONDS = 5.0
#: Seconds between two renewals of a mark.
MARK_RENEWAL_SECONDS = 1.0
#: Concurrent rebuilds of one worker; others wait, without a mark. Each may read hundreds of authors from Cassandra:
#: with 64 at once all took so long that they counted as dead, were taken over and restarted, and none ended.
MAX_CONCURRENT_REBUILDS = 4
#: Seconds between two looks at a rebuild of another worker.
POLL_SECONDS = 0.02


@dataclass
class Progress:
    """What a rebuild has read so far."""

    window: EntryWindow | None = None

    @property
    def entries(self) -> Sequence[bytes]:
        """The newest entries of the authors read so far, newest first; entries of other authors may be missing."""
        return self.window.ascending[::-1] if self.window else ()


@dataclass(frozen=True)
class Rebuild:
    """Rebuilds cold timelines."""

    timelines: TimelineStore
    source: Source
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_REBUILDS))

    async def warm(self, user: int, progress: Progress | None = None) -> None:
        """Return when the timeline is not cold any more, without a time limit. Raises StoreUnavailable."""
        overdue: bytes | None = None
        while True:
            async with self.slots:
                building = await self.timelines.begin(user, overdue)
                if building is not None:
                    builder = Builder(self.timelines, self.source, user, building, progress or Progress())
                    if await builder.build_or_abandon():
                        return
            overdue = await self._wait(user)
            if overdue is None:
                return

    async def _wait(self, user: int) -> bytes | None:
        """Wait for the rebuild of another worker; return its token where it counts as dead, None once there is none."""
        token, deadline = b"", 0.0
        while (other := await self.timelines.building(user)) is not None:
            if other.token != token:
                token, deadline = other.token, monotonic() + MARK_TIMEOUT_SECONDS
            elif monotonic() > deadline:
                logger.warning("timeline_rebuild_overdue user=%d", user)
                return token
            await asyncio.sleep(POLL_SECONDS)
        return None


@dataclass
class Builder:
    """One rebuild. ``building``: the mark as this builder wrote it last."""

    timelines: TimelineStore
    source: Source
    user: int
    building: Building
    progress: Progress

    async def build_or_abandon(self) -> bool:
        """Build the list. On failure or cancellation, remove the mark: the next reader rebuilds."""
        try:
            return await self._build()
        except BaseException:
            await best_effort("let_go_of_rebuild", self._abandon, None)
            raise

    async def _abandon(self) -> None:
        now = await self.timelines.building(self.user)
        if now is not None and now.token == self.building.token:
            await self.timelines.remove(self.user)

    async def _build(self) -> bool:
        kept = self.timelines.kept
        while (entries := await self._read(kept)) is not None:
            if await self.timelines.finish(self.user, self.building, entries, complete=len(entries) < kept):
                logger.info("timeline_rebuilt user=%d entries=%d", self.user, len(entries))
                return True
            again = await self.timelines.building(self.user)
            if again is None or again.token != self.building.token:
                return False
            self.building = again
        return False

    async def _read(self, kept: int) -> list[bytes] | None:
        """Read the source and renew the mark; None where the mark was lost to another builder."""
        self.progress.window = EntryWindow(kept, down=True)
        reading = asyncio.create_task(self.source.put_older(self.user, None, self.progress.window))
        try:
            while not (await asyncio.wait([reading], timeout=MARK_RENEWAL_SECONDS))[0]:
                renewed = await self.timelines.renew(self.user, self.building)
                if renewed is None:
                    return None
                self.building = renewed
            return reading.result()
        finally:
            await cancel_all([reading])


#: Seconds that a reader waits, so that the answer, with bodies and names, takes less than two.
READER_WAIT_SECONDS = 1.5
#: Rebuilds of one worker that run or wait. A full queue takes some ten seconds.
MAX_QUEUED_REBUILDS = 1_000


@dataclass
class RebuildQueue:
    """The rebuilds of one worker, by user."""

    rebuild: Rebuild
    running: dict[int, tuple[asyncio.Task[None], Progress]] = field(default_factory=dict)
    closed: bool = False
    #: Seconds that each rebuild took, with its wait for a slot; and how many ended ``done``, ``failed``, ``cancelled``.
    seconds: Histogram = field(default_factory=lambda: Histogram(REBUILD_SECONDS))
    ended: Counter[str] = field(default_factory=Counter)

    async def warm(self, user: int) -> None:
        """Return when the timeline is not cold any more. Raises StoreUnavailable, Unfinished (it takes too long)."""
        task, progress = self.running.get(user) or self._begin(user)
        await asyncio.wait([task], timeout=READER_WAIT_SECONDS)
        if not task.done() or task.cancelled():
            raise Unfinished(progress.entries)
        task.result()

    async def close(self) -> None:
        """Cancel all rebuilds; their timelines stay cold, and a reader on another worker rebuilds them."""
        self.closed = True
        while tasks := [task for task, _ in self.running.values()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1.0)

    def _begin(self, user: int) -> tuple[asyncio.Task[None], Progress]:
        if self.closed or len(self.running) >= MAX_QUEUED_REBUILDS:
            raise Unfinished
        progress, began = Progress(), monotonic()
        task = asyncio.create_task(self.rebuild.warm(user, progress))
        self.running[user] = task, progress
        task.add_done_callback(lambda task: self._ended(user, task, monotonic() - began))
        return task, progress

    def _ended(self, user: int, task: asyncio.Task[None], seconds: float) -> None:
        """Remove and count the rebuild, and log its failure: its readers may be gone."""
        del self.running[user]
        error = None if task.cancelled() else task.exception()
        self.ended["cancelled" if task.cancelled() else "failed" if error else "done"] += 1
        self.seconds.observe(seconds)
        if error is not None:
            expected = isinstance(error, Transient)
            logger.log(logging.INFO if expected else logging.ERROR, "rebuild_failed user=%d reason=%r", user, error)
