"""A semaphore that serves the lowest rank first, and every few times the task that has waited longest.

Pushes are ranked by their post. A push that overtakes an older post makes that one late on every timeline that both go
to, and a late entry costs Redis three times one at the head, or more: served in order of arrival, three quarters of a
backlog of 2,000 posts were late. A post to many thousands ranks, as it goes on, as if it were just written, so it does
not block the others. By rank alone a backlog could starve a waiting task, so every ``FIFO_EVERY``-th slot goes by
arrival: with n tasks ahead of it, a task waits for at most ``FIFO_EVERY`` * (n + 1) slots.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final

#: One of so many slots goes by arrival. A smaller number puts more entries out of order.
FIFO_EVERY: Final = 8
#: Ranks of cancelled tasks that may stay in the heap, beside as many as tasks wait. Removing one from the middle costs
#: a pass over the heap.
MAX_CANCELLED_RANKS: Final = 64


class PrioritySemaphore:
    """Up to ``slots`` holders at a time. Its memory is bounded by the tasks that wait, however long a backlog lasts."""

    def __init__(self, slots: int) -> None:
        """``slots``: holders at a time."""
        self._free = slots
        self._arrivals, self._served = count(), count(1)
        #: Waiting tasks by arrival number, oldest first.
        self._waiting: OrderedDict[int, asyncio.Future[None]] = OrderedDict()
        #: Heap of (rank, arrival number), also of cancelled tasks, which are skipped.
        self._ranked: list[tuple[bytes, int]] = []

    @asynccontextmanager
    async def slot(self, rank: bytes) -> AsyncIterator[None]:
        """Wait for a slot and hold it for the length of the block."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(rank)
        try:
            yield
        finally:
            self._release()

    async def _wait(self, rank: bytes) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        number = next(self._arrivals)
        heappush(self._ranked, (rank, number))
        self._waiting[number] = granted
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                self._waiting.pop(number, None)
                self._compact()
            else:
                self._release()  # granted at the same moment in which the task was cancelled
            raise

    def _release(self) -> None:
        while self._waiting:
            granted = self._next()
            if not granted.done():
                granted.set_result(None)
                return
        self._ranked.clear()
        self._free += 1

    def _next(self) -> "asyncio.Future[None]":
        """Remove and return the next waiting task: by arrival, or by rank."""
        if next(self._served) % FIFO_EVERY == 0:
            _, granted = self._waiting.popitem(last=False)
        else:
            while (number := heappop(self._ranked)[1]) not in self._waiting:
                pass
            granted = self._waiting.pop(number)
        self._compact()
        return granted

    def _compact(self) -> None:
        """Drop the ranks of cancelled tasks once they outnumber those of waiting ones."""
        if len(self._ranked) > 2 * len(self._waiting) + MAX_CANCELLED_RANKS:
            self._ranked = [ranked for ranked in self._ranked if ranked[1] in self._waiting]
            heapify(self._ranked)
