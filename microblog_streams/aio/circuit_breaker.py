"""A store that has stopped answering is not waited for again and again: it is asked in the background until it does.

A frozen server keeps its connections and answers nothing, so each call of it takes its whole time-out. A request of
ours makes several calls, one after the other: a timeline read without its list and the caches took 14 s. So the first
call that times out opens the circuit, unless another was answered meanwhile (then that call was slow, and not the store
away). While it is open, calls fail at once.
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

#: Seconds between questions to a store that does not answer. One that is frozen has them wait for their time-out too.
PAUSE: Final = 0.1


class CircuitBreaker:
    """Whether one store answers. ``call`` stands around each call of it."""

    def __init__(self, store: str, ask: Callable[[], Awaitable[None]]) -> None:
        """``ask`` is a call of the store, past this circuit, that raises StoreUnavailable where none answers."""
        self._store = store
        self._ask = ask
        self._answered = -inf
        self._asking: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def open(self) -> bool:
        """Whether the store has not answered lately, and calls are refused."""
        return self._asking is not None and not self._asking.done()

    def check(self) -> None:
        """Raise StoreUnavailable while it is open."""
        if self.open:
            raise StoreUnavailable(self._store, "it has stopped answering")

    @contextmanager
    def call(self) -> Iterator[None]:
        """Run one call of the store, and learn from how it ends. Raises StoreUnavailable at once while it is open."""
        self.check()
        begun = monotonic()
        try:
            yield
        except NoAnswer as exc:
            if exc.store == self._store and self._answered < begun:
                self._break()
            raise
        else:
            self._answered = monotonic()

    def close(self) -> None:
        """Stop asking, for good: a call that is under way may time out later, and a cancellation may be lost."""
        self._closed = True
        if self._asking is not None:
            self._asking.cancel()

    def _break(self) -> None:
        if not (self.open or self._closed):
            logger.warning("store_silent store=%s", self._store)
            self._asking = asyncio.create_task(self._ask_until_it_answers())

    async def _ask_until_it_answers(self) -> None:
        while not self._closed:
            try:
                await self._ask()
            except StoreUnavailable:
                await asyncio.sleep(PAUSE)
            else:
                logger.info("store_answers store=%s", self._store)
                return
