"""Readers of live timelines by the thousand: each is a connection that counts the events which come, and no more."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, cast

#: Streams that are opened at the same time.
AT_ONCE: Final = 64
#: Streams of one address: a port of its own is taken by each of an address' connections to a worker.
PER_ADDRESS: Final = 5_000
_POST: Final = b"event: post\n"
_BEGUN: Final = b"event: reset\n"


class _Stream(asyncio.Protocol):
    def __init__(self, request: bytes, listeners: "Listeners") -> None:
        self._request, self._listeners = request, listeners
        self.begun = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count events. One that is cut in two by the network would not be counted: they come singly here."""
        self._listeners.posts += data.count(_POST)
        self._listeners.more.set()
        if _BEGUN in data and not self.begun.done():
            self.begun.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._listeners.lost += 1
        if not self.begun.done():
            self.begun.set_exception(exc or ConnectionResetError("the stream was refused"))


@dataclass
class Listeners:
    """Open streams of one worker."""

    port: int
    #: Events that came, on all streams; and streams that ended.
    posts: int = 0
    lost: int = 0
    #: Seconds that each stream took from the connection until its first event.
    opened: list[float] = field(default_factory=list)
    #: Set when something came.
    more: asyncio.Event = field(default_factory=asyncio.Event)
    _streams: list[_Stream] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many streams were opened."""
        return len(self._streams)

    async def follow(self, users: Iterable[int]) -> float:
        """Open a stream for each user; return the seconds until all have their first event."""
        begun, queue = time.perf_counter(), iter(users)

        async def open_on() -> None:
            for user in queue:
                await self._open(user)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(open_on())
        return time.perf_counter() - begun

    async def until(self, posts: int, seconds: float) -> int:
        """Wait until so many events have come, at most so long; return how many are missing."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.posts < posts:
                    self.more.clear()
                    await self.more.wait()
        return max(0, posts - self.posts)

    def close(self) -> None:
        """End all streams."""
        for stream in self._streams:
            stream.transport.abort()

    async def _open(self, user: int) -> None:
        begun = time.perf_counter()
        request = f"GET /timelines/{user}/live HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode()
        stream = _Stream(request, self)
        address = f"127.0.0.{2 + len(self._streams) // PER_ADDRESS}"
        self._streams.append(stream)
        await asyncio.get_running_loop().create_connection(
            lambda: stream, "127.0.0.1", self.port, local_addr=(address, 0)
        )
        await stream.begun
        self.opened.append(time.perf_counter() - begun)
