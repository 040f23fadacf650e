"""Compares this worker's clock with PostgreSQL's, at the start and every minute.

Ids of posts carry the time of the worker that took them, and timelines are ordered by ids: what a worker whose clock is
wrong takes is in the wrong places for good.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import MicroblogError

logger = logging.getLogger(__name__)

#: Seconds between looks: at a clock that is right, at one that is wrong, and while PostgreSQL does not answer.
INTERVAL, RECHECK, RETRY = 60.0, 5.0, 0.5
#: Seconds of a difference that is warned of.
TOLERATED: Final = 1.0


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
        """Return the difference in words, empty where it is tolerated."""
        if self.ahead is None or abs(self.ahead) <= TOLERATED:
            return ""
        way = "ahead of" if self.ahead > 0 else "behind"
        return f"the clock is {abs(self.ahead):.1f} s {way} PostgreSQL's: posts taken here are in wrong places"

    async def compare(self) -> None:
        """Look once. Raises MicroblogError where PostgreSQL does not answer."""
        asked = self._clock()
        there = await self._ask()
        answered = self._clock()
        # PostgreSQL read its clock some time between the two: what that can explain is no difference.
        self.ahead = max(0.0, asked - there) + min(0.0, answered - there)
        if words := self.words():
            logger.warning("clock_differs seconds=%.3f reason=%s", self.ahead, words)

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            wait = INTERVAL
            try:
                await self.compare()
                wait = RECHECK if self.wrong else INTERVAL
            except MicroblogError as exc:
                logger.debug("clock_unknown reason=%s", exc)
                wait = RETRY
            except Exception:
                # A worker serves without knowing this: whatever it is must not end it.
                logger.exception("clock_unknown")
            await self.sleep(wait)
