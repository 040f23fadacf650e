"""Turns at something of which only so much may be under way: the lowest rank first, now and then whoever came first.

Pushes are ranked by their post. A post that overtakes an older one makes that one late on every timeline that both go
to, and a late entry costs the server three times one that goes to the head, or more: of a backlog of 2,000 posts, three
quarters were late in the order in which they came. A post to many thousands ranks, as it goes on, as if it were written
just then, so that it keeps nobody waiting for all of it. And because ranks alone would let a backlog keep the others
waiting until it is worked off, every ``FAIR``-th turn goes to whoever waits longest.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count
from typing import Final

#: Among so many turns one is given by arrival. More of them put more entries out of order.
FAIR: Final = 8


class Turns:
    """A bounded number of turns at a time."""

    def __init__(self, most: int) -> None:
        """``most``: turns that are taken at a time."""
        self._free = most
        self._arrivals, self._given = count(), count(1)
        #: Those who wait, by rank and by arrival; whoever was served, or left, stays in the other until it is met.
        self._ranked: list[tuple[bytes, int, asyncio.Future[None]]] = []
        self._arrived: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, rank: bytes) -> AsyncIterator[None]:
        """Wait for a turn, and have it for as long as the block takes."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(rank)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, rank: bytes) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._ranked, (rank, next(self._arrivals), turn))
        self._arrived.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._pass_on()  # it was given in the very moment in which whoever waited left
            raise

    def _pass_on(self) -> None:
        while self._ranked and self._arrived:
            turn = self._arrived.popleft() if next(self._given) % FAIR == 0 else heappop(self._ranked)[-1]
            if not turn.done():
                turn.set_result(None)
                return
        self._ranked.clear()
        self._arrived.clear()
        self._free += 1
