"""Turns at something of which only so much may be under way: the lowest rank first, now and then whoever came first.

Pushes are ranked by their post. A post that overtakes an older one makes that one late on every timeline that both go
to, and a late entry costs the server three times one that goes to the head, or more: of a backlog of 2,000 posts, three
quarters were late in the order in which they came. A post to many thousands ranks, as it goes on, as if it were written
just then, so that it keeps nobody waiting for all of it. And because ranks alone would let a backlog keep the others
waiting until it is worked off, every ``FAIR``-th turn goes to whoever waits longest: behind n others nobody waits for
more than ``FAIR`` * (n + 1) turns.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final

#: Among so many turns one is given by arrival. More of them put more entries out of order.
FAIR: Final = 8
#: Ranks of those who are gone that are kept beside as many of those who wait, and at least: each removal from the
#: middle of a heap would cost all of it.
GONE: Final = 64


class PrioritySemaphore:
    """A bounded number of turns at a time. What it keeps is bounded by how many wait, however long some always do."""

    def __init__(self, most: int) -> None:
        """``most``: turns that are taken at a time."""
        self._free = most
        self._arrivals, self._given = count(), count(1)
        #: Those who wait, by their number, which tells in which order they came.
        self._waiting: OrderedDict[int, asyncio.Future[None]] = OrderedDict()
        #: Ranks and numbers, also of some who are gone: those are passed over.
        self._ranked: list[tuple[bytes, int]] = []

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
        number = next(self._arrivals)
        heappush(self._ranked, (rank, number))
        self._waiting[number] = turn
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.pop(number, None)
                self._forget()
            else:
                self._pass_on()  # it was given in the very moment in which whoever waited left
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            turn = self._next()
            if not turn.done():
                turn.set_result(None)
                return
        self._ranked.clear()
        self._free += 1

    def _next(self) -> "asyncio.Future[None]":
        """Take out whose turn it is: by arrival, or by rank."""
        if next(self._given) % FAIR == 0:
            _, turn = self._waiting.popitem(last=False)
        else:
            while (number := heappop(self._ranked)[1]) not in self._waiting:
                pass
            turn = self._waiting.pop(number)
        self._forget()
        return turn

    def _forget(self) -> None:
        """Drop the ranks of those who are gone once they are more than those who wait."""
        if len(self._ranked) > 2 * len(self._waiting) + GONE:
            self._ranked = [ranked for ranked in self._ranked if ranked[1] in self._waiting]
            heapify(self._ranked)
