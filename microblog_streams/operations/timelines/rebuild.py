"""Rebuilding a cold timeline, when somebody reads it: one builder at a time, beside the pushes that go on meanwhile.

The mark ``building`` lets pushes land from the first moment on, so nothing is missed between reading the posts and
writing the list. A follow or unfollow that takes effect meanwhile counts up the mark, and then the followees are read
again. A builder that fails removes what it began; one that died leaves its mark behind, and whoever waited long enough
without seeing the mark renewed takes it over.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

from microblog_streams.aio.best_effort import attempt
from microblog_streams.aio.tasks import cancel_all
from microblog_streams.domain.errors import Transient, Unfinished
from microblog_streams.operations.timelines.merge_read import History, Part
from microblog_streams.ports import Building, TimelineStore

logger = logging.getLogger(__name__)

#: Seconds after which a rebuild whose builder does not renew its mark is thought dead.
MARK_TIMEOUT_SECONDS = 5.0
#: Seconds between one mark and the next of a builder that reads for long.
MARK_RENEWAL_SECONDS = 1.0
#: Rebuilds of one worker at a time; the others wait for their turn, without a mark. Each may read from hundreds of
#: authors, and the post store answers only so many at once: 64 side by side all took so long that they were thought
#: dead, taken over and begun again, and none came to its end.
MAX_CONCURRENT_REBUILDS = 4
#: Seconds between looks at another's rebuild.
POLL_SECONDS = 0.02


@dataclass
class Progress:
    """How far a rebuild has come, for those who cannot wait for its end."""

    part: Part | None = None

    @property
    def entries(self) -> Sequence[bytes]:
        """The newest entries of those authors that were read, newest first; others may be missing between them."""
        return self.part.ascending[::-1] if self.part else ()


@dataclass(frozen=True)
class Rebuild:
    """Turns cold timelines into warm ones."""

    timelines: TimelineStore
    history: History
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_REBUILDS))

    async def warm(self, user: int, progress: Progress | None = None) -> None:
        """Return when the timeline is warm, however long that takes. Raises StoreUnavailable."""
        overdue: bytes | None = None
        while True:
            async with self.room:
                building = await self.timelines.begin(user, overdue)
                if building is not None:
                    builder = Builder(self.timelines, self.history, user, building, progress or Progress())
                    if await builder.build_or_let_go():
                        return
            overdue = await self._wait(user)
            if overdue is None:
                return

    async def _wait(self, user: int) -> bytes | None:
        """Wait for another's rebuild; return its token where it is thought dead, None where none is under way."""
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
    """One rebuild, from its mark to the finished list. ``building`` is the mark as this builder wrote it last."""

    timelines: TimelineStore
    history: History
    user: int
    building: Building
    progress: Progress

    async def build_or_let_go(self) -> bool:
        """Build; whoever cannot (a store is away, the worker stops) leaves the timeline cold for the next reader."""
        try:
            return await self._build()
        except BaseException:
            await attempt("let_go_of_rebuild", self._let_go(), None)
            raise

    async def _let_go(self) -> None:
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
        """Read the history, and renew the mark meanwhile; None where the list is not ours any more."""
        self.progress.part = Part(kept, down=True)
        reading = asyncio.create_task(self.history.put_older(self.user, None, self.progress.part))
        try:
            while not (await asyncio.wait([reading], timeout=MARK_RENEWAL_SECONDS))[0]:
                renewed = await self.timelines.renew(self.user, self.building)
                if renewed is None:
                    return None
                self.building = renewed
            return reading.result()
        finally:
            await cancel_all([reading])


#: Seconds that a reader waits: so that the answer, bodies and names included, is there within two.
READER_WAIT_SECONDS = 1.5
#: Rebuilds of one worker that run or wait for their turn. A queue of them is worked off within some ten seconds.
MAX_QUEUED_REBUILDS = 1_000


@dataclass
class RebuildQueue:
    """The rebuilds of one worker, by user."""

    rebuild: Rebuild
    running: dict[int, tuple[asyncio.Task[None], Progress]] = field(default_factory=dict)
    closed: bool = False

    async def warm(self, user: int) -> None:
        """Return when the timeline is warm. Raises StoreUnavailable, and Unfinished where it takes too long."""
        task, progress = self.running.get(user) or self._begin(user)
        await asyncio.wait([task], timeout=READER_WAIT_SECONDS)
        if not task.done() or task.cancelled():
            raise Unfinished(progress.entries)
        task.result()

    async def close(self) -> None:
        """End all that is under way: what it began is cold again for the next reader, on another worker."""
        self.closed = True
        while tasks := [task for task, _ in self.running.values()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1.0)

    def _begin(self, user: int) -> tuple[asyncio.Task[None], Progress]:
        if self.closed or len(self.running) >= MAX_QUEUED_REBUILDS:
            raise Unfinished
        progress = Progress()
        task = asyncio.create_task(self.rebuild.warm(user, progress))
        self.running[user] = task, progress
        task.add_done_callback(lambda task: self._ended(user, task))
        return task, progress

    def _ended(self, user: int, task: asyncio.Task[None]) -> None:
        """Forget it, and say what became of one that failed: its readers may have left."""
        del self.running[user]
        if not task.cancelled() and (error := task.exception()) is not None:
            expected = isinstance(error, Transient)
            logger.log(logging.INFO if expected else logging.ERROR, "rebuild_failed user=%d reason=%r", user, error)
