"""Watches whose warnings are part of ``/health``: do the stores keep what they confirm, and is this clock right?

``DurabilityWatch`` checks Kafka and Cassandra at the start and every few minutes: it compares their settings with what
the guarantees need (``cluster_status.durability_checks``).

``ClockWatch`` compares this worker's clock with PostgreSQL's at the start and every minute. The id of a post has the
time of the worker that accepted it, and timelines are ordered by id. So posts from a worker with a wrong clock are in
wrong places for good.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.errors import MicroblogError

logger = logging.getLogger(__name__)

#: Seconds between two checks, and between tries while Kafka or Cassandra does not answer.
DURABILITY_CHECK_SECONDS: Final = 300.0
DURABILITY_RETRY_SECONDS: Final = 15.0
_DURABILITY_UNKNOWN: Final = "promises_unknown part=%s reason=%s"

#: Returns the warnings of one store. May raise MicroblogError.
Check = Callable[[], Awaitable[Sequence[str]]]


class DurabilityWatch(Service):
    """``warnings`` has the last result of every store that ever answered."""

    def __init__(self, checks: Mapping[str, Check], reached: Mapping[str, asyncio.Event]) -> None:
        """Take each store's durability check, and the event that is set once the store was reached, by its name."""
        super().__init__()
        self._checks = checks
        self._reached = reached
        self._found: dict[str, Sequence[str]] = {}

    @property
    def warnings(self) -> Sequence[str]:
        """What keeps the stores from their guarantees, as text, in the order of the checks."""
        return [line for part in self._checks for line in self._found.get(part, ())]

    async def on_start(self) -> None:
        """Start to check the stores, each in a task of its own."""
        for part in self._checks:
            self.add_future(self._watch(part))

    async def _watch(self, part: str) -> None:
        # Until then ``/health`` says that the store does not answer.
        await self.wait(self._reached[part].wait())
        while not self.should_stop:
            answered = await self._check(part)
            await self.sleep(DURABILITY_CHECK_SECONDS if answered else DURABILITY_RETRY_SECONDS)

    async def _check(self, part: str) -> bool:
        """Check one store; return whether it answered. A warning stands for a result that was never read."""
        try:
            self._found[part] = await self._checks[part]()
        except MicroblogError as exc:
            # The reason goes to the log only: /health must not show addresses.
            logger.log(logging.DEBUG if part in self._found else logging.WARNING, _DURABILITY_UNKNOWN, part, exc)
            self._found.setdefault(part, (f"{part}: its durability settings could not be read yet",))
            return False
        except Exception:
            # An exception would end the worker, which can deliver events without this check.
            logger.exception("promises_unknown part=%s", part)
            return False
        return True


#: Seconds between comparisons: while the clock is right, while it is wrong, and while PostgreSQL does not answer.
CLOCK_CHECK_SECONDS, CLOCK_RECHECK_SECONDS, CLOCK_RETRY_SECONDS = 60.0, 5.0, 0.5
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
            wait = CLOCK_CHECK_SECONDS
            try:
                await self.compare()
                wait = CLOCK_RECHECK_SECONDS if self.wrong else CLOCK_CHECK_SECONDS
            except MicroblogError as exc:
                logger.debug("clock_unknown reason=%s", exc)
                wait = CLOCK_RETRY_SECONDS
            except Exception:
                # An exception would end the worker, which can serve without this check.
                logger.exception("clock_unknown")
            await self.sleep(wait)
