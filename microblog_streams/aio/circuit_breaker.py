"""Circuit breaker: refuse calls to a store that does not answer, and probe it in the background until it does.

A frozen server keeps its connections and answers nothing, so each call takes its whole time-out. One request makes
several calls in sequence: a timeline read without its list and caches took 14 s. So the first call that times out opens
the circuit, unless another call was answered since it began (then that call was slow, and the store is up).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import Final

from microblog_streams.domain.errors import NoAnswer, StoreUnavailable

logger = logging.getLogger(__name__)

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
