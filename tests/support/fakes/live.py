"""The logs of timelines that are followed live, in memory. ``FakeTimelines`` writes them, as the Lua functions do."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.ports.live import Arrival, Change


class FakeLiveLog:
    """The ``LiveLog``. ``logs`` is open to tests; while ``down`` every call raises StoreUnavailable."""

    def __init__(self) -> None:
        self.logs: dict[int, list[Arrival]] = {}
        self.listened: dict[int, int] = defaultdict(int)
        self.down = False
        self.silent = False
        self._number = 0
        self._subscribers: list[asyncio.Queue[Sequence[int] | None]] = []

    async def listen(self, users: Sequence[int]) -> Sequence[str]:
        self._check()
        for user in users:
            self.listened[user] += 1
            if user not in self.logs:
                self.logs[user] = []
                self._append(user, Change.RESET, b"")
        return [self.logs[user][-1].position for user in users]

    async def since(self, user: int, position: str, limit: int) -> Sequence[Arrival] | None:
        self._check()
        log = self.logs.get(user, [])
        at = next((number for number, each in enumerate(log) if each.position == position), None)
        return None if at is None else log[at + 1 : at + 1 + limit]

    async def any(self) -> bool:
        self._check()
        return bool(self.logs)

    async def announce(self, users: Sequence[int], change: Change, value: bytes = b"") -> int:
        self._check()
        heard = [user for user in users if user in self.logs]
        for user in heard:
            self.write(user, change, value)
        return len(heard)

    async def reset_all(self) -> int:
        return await self.announce(list(self.logs), Change.RESET)

    @asynccontextmanager
    async def wakes(self) -> AsyncIterator[AsyncIterator[Sequence[int]]]:
        self._check()
        queue: asyncio.Queue[Sequence[int] | None] = asyncio.Queue()
        self._subscribers.append(queue)
        try:
            yield self._messages(queue)
        finally:
            self._subscribers.remove(queue)

    def write(self, user: int, change: Change, value: bytes = b"") -> None:
        """Log a change of a timeline that is followed, and send the signal unless ``silent``."""
        if user not in self.logs:
            return
        self._append(user, change, value)
        for queue in self._subscribers if not self.silent else ():
            queue.put_nowait([user])

    def begin_anew(self, user: int) -> None:
        """Begin a log as on another server, whose positions are lower."""
        self.logs[user], self._number = [], 0
        self.write(user, Change.RESET)

    def cut_off(self) -> None:
        """Break all subscriptions."""
        for queue in self._subscribers:
            queue.put_nowait(None)

    def _append(self, user: int, change: Change, value: bytes) -> None:
        self._number += 1
        self.logs[user].append(Arrival(f"{self._number}-0", change, value))

    async def _messages(self, queue: "asyncio.Queue[Sequence[int] | None]") -> AsyncIterator[Sequence[int]]:
        while (users := await queue.get()) is not None:
            yield users
        raise StoreUnavailable("redis", "the test says so")

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("redis", "switched off by the test")
