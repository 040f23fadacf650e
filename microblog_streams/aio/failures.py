"""What to do about calls that fail: pause between retries, refuse calls of a silent store, skip best-effort steps.

**Pauses** double up to a limit, with jitter so that workers do not retry in step.

**Circuit breaker.** A frozen server keeps its connections and answers nothing, so each call takes its whole time-out.
One request makes several calls in sequence: a timeline read without its list and caches took 14 s. So the first call
that times out opens the circuit, unless another call was answered since it began (then that call was slow, and the
store is up). While it is open calls are refused, and a probe in the background closes it.

**Best-effort steps** make an answer faster or fresher, and an agent or a later read does the same. They are skipped
where their store is unavailable.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import Final, TypeVar

from microblog_streams.domain.errors import NoAnswer, StoreUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Seconds between two probes. A probe of a frozen store takes its time-out as well.
PROBE_PAUSE_SECONDS: Final = 0.1


class CircuitBreaker:
    """Tracks whether one store answers; wrap each call of it in ``call``."""

    def __init__(self, store: str, probe: Callable[[], Awaitable[None]]) -> None:
        """``probe`` calls the store without this circuit. Raises StoreUnavailable where it does not answer."""
        self._store = store
        self._probe = probe
        self._answered_at = -inf
        self._probing: asyncio.Task[None] | None = None
        self._closed = False
        #: How often it opened.
        self.openings = 0

    @property
    def open(self) -> bool:
        """Whether calls are refused: the store has not answered yet since a call timed out."""
        return self._probing is not None and not self._probing.done()

    def check(self) -> None:
        """Raise StoreUnavailable while the circuit is open."""
        if self.open:
            raise StoreUnavailable(self._store, "it has stopped answering")

    @contextmanager
    def call(self) -> Iterator[None]:
        """Run one call; a time-out (``NoAnswer``) opens the circuit. Raises StoreUnavailable while it is open."""
        self.check()
        began_at = monotonic()
        try:
            yield
        except NoAnswer as exc:
            if exc.store == self._store and self._answered_at < began_at:
                self._open()
            raise
        else:
            self._answered_at = monotonic()

    def close(self) -> None:
        """Stop probing for good: a call in flight may still time out, and a cancellation may be lost."""
        self._closed = True
        if self._probing is not None:
            self._probing.cancel()

    def _open(self) -> None:
        if not (self.open or self._closed):
            self.openings += 1
            logger.warning("store_silent store=%s", self._store)
            self._probing = asyncio.create_task(self._probe_until_answered())

    async def _probe_until_answered(self) -> None:
        while not self._closed:
            try:
                await self._probe()
            except StoreUnavailable:
                await asyncio.sleep(PROBE_PAUSE_SECONDS)
            else:
                logger.info("store_answers store=%s", self._store)
                return


async def best_effort(step: str, call: Callable[[], Awaitable[T]], default: T) -> T:
    """Return the result of ``call``, or ``default`` where its store is unavailable.

    It takes a function, not a coroutine: a task that is cancelled before its first step would never await that.
    """
    try:
        return await call()
    except StoreUnavailable as exc:
        # Debug, because an outage fails every call: the store's connection and the waiting event log it once.
        logger.debug("shortcut_skipped step=%s reason=%s", step, exc)
        return default


#: The first and the longest pause, unless the caller has its own.
FIRST_SECONDS, LONGEST_SECONDS = 0.05, 5.0


def pauses(first_seconds: float | None = None, longest_seconds: float | None = None) -> Iterator[float]:
    """Yield pauses in seconds, without end: each is 50 to 100 % of its nominal length, which doubles every time."""
    pause = FIRST_SECONDS if first_seconds is None else first_seconds
    longest = LONGEST_SECONDS if longest_seconds is None else longest_seconds
    while True:
        yield jittered(pause)
        pause = min(2 * pause, longest)


def jittered(seconds: float) -> float:
    """Return a random duration of 50 to 100 % of ``seconds``."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
