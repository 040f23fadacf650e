"""Compares this worker's clock with PostgreSQL's, at the start and every minute.

The id of a post has the time of the worker that accepted it, and timelines are ordered by id. So posts from a worker
with a wrong clock are in wrong places for good.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.errors import MicroblogError

logger = logging.getLogger(__name__)

#: Seconds between comparisons: while the clock is right, while it is wrong, and while PostgreSQL does not answer.
CHECK_SECONDS, RECHECK_SECONDS, RETRY_SECONDS = 60.0, 5.0, 0.5
#: Largest difference without a warning.
TOLERATED_SECONDS: Final = 1.0


class ClockWatch(Service):
    """``ahead``: seconds by which this clock is ahead of PostgreSQL's (below 0: behind), None before the first look."""

    def __init__(
        self, ask: Callable[[], Awaitable[float]], limit: float, clock: Callable[[], float] = time.time
    ) -> None:
        """``ask`` returns PostgreSQL's time, in seconds since 1970; beyond ``limit`` seconds a worker is not ready."""
        super().__init__()
        self.ahead: float | None = None
        self._ask = ask
        self._limit = limit
        self._clock = clock

    @property
    def wrong(self) -> bool:
        """Whether the clocks are so far apart that this worker must not take posts."""
        return self.ahead is not None and abs(self.ahead) > self._limit

    def words(self) -> str:
        """Return the difference as text, empty where it is tolerated."""
        if self.ahead is None or abs(self.ahead) <= TOLERATED_SECONDS:
            return ""
        way = "ahead of" if self.ahead > 0 else "behind"
        return f"the clock is {abs(self.ahead):.1f} s {way} PostgreSQL's: posts taken here are in wrong places"

    async def compare(self) -> None:
        """Compare once. Raises MicroblogError where PostgreSQL does not answer."""
        asked = self._clock()
        there = await self._ask()
        answered = self._clock()
        # PostgreSQL read its clock at some time between the two, so the round trip is not counted as a difference.
        self.ahead = max(0.0, asked - there) + min(0.0, answered - there)
        if words := self.words():
            logger.warning("clock_differs seconds=%.3f reason=%s", self.ahead, words)

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            wait = CHECK_SECONDS
            try:
                await self.compare()
                wait = RECHECK_SECONDS if self.wrong else CHECK_SECONDS
            except MicroblogError as exc:
                logger.debug("clock_unknown reason=%s", exc)
                wait = RETRY_SECONDS
            except Exception:
                # An exception would end the worker, which can serve without this check.
                logger.exception("clock_unknown")
            await self.sleep(wait)
