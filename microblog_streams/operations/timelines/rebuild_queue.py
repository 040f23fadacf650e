"""Rebuilds with readers in front of them: a reader waits for so long, and the rebuild goes on behind.

Most cold timelines are warm again in some ten milliseconds. That of somebody who follows 20,000 takes seconds: its
readers are told so in time, with what has been read by then, and find it warm when they come back. All readers of a
timeline wait for the same rebuild. How many are under way is bounded: beyond that readers have to come back.
"""

import asyncio
import logging
from dataclasses import dataclass, field

from microblog_streams.domain.errors import Transient, Unfinished
from microblog_streams.operations.timelines.rebuild import Progress, Rebuild

logger = logging.getLogger(__name__)

#: Seconds that a reader waits: so that the answer, bodies and names included, is there within two.
PATIENCE = 1.5
#: Rebuilds of one worker that run or wait for their turn. A queue of them is worked off within some ten seconds.
MOST = 1_000


@dataclass
class RebuildQueue:
    """The rebuilds of one worker, by user."""

    rebuild: Rebuild
    running: dict[int, tuple[asyncio.Task[None], Progress]] = field(default_factory=dict)
    closed: bool = False

    async def warm(self, user: int) -> None:
        """Return when the timeline is warm. Raises StoreUnavailable, and Unfinished where it takes too long."""
        task, progress = self.running.get(user) or self._begin(user)
        await asyncio.wait([task], timeout=PATIENCE)
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
        if self.closed or len(self.running) >= MOST:
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
