"""A TCP proxy in front of a part: the network between the two, which is slow, or passes nothing, or ends connections.

It has a thread and a loop of its own, so whatever the tests do does not slow it down further. A delay is a distance,
not a narrow pipe: what comes side by side is late by as much, in its order. Where nothing passes, connections stay
open and what is sent is kept: it arrives late once the direction is open again, as TCP sends again what was lost. So
a sender that gave up meanwhile may still have its effect, which is the harder case for its successor.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"
#: Bytes that are read at a time, and how many such pieces may be on their way in one direction of a connection.
PIECE, PIECES = 65_536, 512
#: The two directions.
THERE, BACK = "there", "back"
BOTH = frozenset({THERE, BACK})
#: SO_LINGER, on, for 0 s: a socket that is closed so resets its connection.
RESET = struct.pack("ii", 1, 0)
#: Pieces, and the loop's time at which each is due; an empty one is the end.
Due = asyncio.Queue[tuple[float, bytes]]


@dataclass
class Proxy:
    """Passes on, both ways, what comes for a port of loopback, as late as it says at the time."""

    target: int
    loop: asyncio.AbstractEventLoop
    port: int = 0
    #: Seconds that requests are late, and that answers are; to be set from any thread.
    there: float = 0.0
    back: float = 0.0
    #: Whether connections are ended as soon as they are made.
    refusing: bool = False
    #: Connections that were taken.
    taken: int = 0
    _opened: set[asyncio.StreamWriter] = field(default_factory=set)
    #: Set while something passes in a direction.
    _passes: dict[str, asyncio.Event] = field(default_factory=lambda: {way: asyncio.Event() for way in BOTH})

    def __post_init__(self) -> None:
        for event in self._passes.values():
            event.set()

    async def take(self, outside: asyncio.StreamReader, to_outside: asyncio.StreamWriter) -> None:
        """Serve one connection, until either side ends it or the proxy ends."""
        self.taken += 1
        if self.refusing:
            _reset(to_outside)
            return
        self._opened.add(to_outside)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError), contextlib.closing(to_outside):
                await self._serve(outside, to_outside)
        finally:
            self._opened.discard(to_outside)

    @contextlib.contextmanager
    def passing_nothing(self, ways: frozenset[str] = BOTH) -> Iterator[None]:
        """Have nothing pass in these directions within the block; from any thread."""
        events = [self._passes[way] for way in ways]
        for event in events:
            self.loop.call_soon_threadsafe(event.clear)
        try:
            yield
        finally:
            for event in events:
                self.loop.call_soon_threadsafe(event.set)

    @contextlib.contextmanager
    def ending_connections(self) -> Iterator[None]:
        """Reset all connections, and each new one, within the block; from any thread."""
        self.refusing = True
        self.loop.call_soon_threadsafe(self._reset_all)
        try:
            yield
        finally:
            self.refusing = False

    def _reset_all(self) -> None:
        for writer in self._opened:
            _reset(writer)

    async def _serve(self, outside: asyncio.StreamReader, to_outside: asyncio.StreamWriter) -> None:
        await self._passes[THERE].wait()
        inside, to_inside = await asyncio.open_connection(HOST, self.target)
        with contextlib.closing(to_inside):
            await _first(self._pass_on(THERE, outside, to_inside), self._pass_on(BACK, inside, to_outside))

    async def _pass_on(self, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass everything on, each piece as late as is said when it comes; end once the last words are passed on."""
        due: Due = asyncio.Queue(PIECES)
        await _first(_read(reader, due, lambda: getattr(self, way)), self._write(way, due, writer))

    async def _write(self, way: str, due: Due, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            at, piece = await due.get()
            await asyncio.sleep(at - loop.time())
            await self._passes[way].wait()
            if not piece:
                return
            writer.write(piece)
            await writer.drain()


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Serve in front of a port, on another one, for as long as the block lasts."""
    loop, over = asyncio.new_event_loop(), asyncio.Event()
    made = Proxy(target, loop)
    started = threading.Event()
    thread = threading.Thread(target=_run, args=(loop, _serve(made, started, over)), daemon=True)
    thread.start()
    assert started.wait(10), "the proxy did not start"
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        assert not thread.is_alive(), "the proxy did not end"


def _run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, None]) -> None:
    """Run to the end; connections that are left are cancelled then."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main)


async def _serve(made: Proxy, started: threading.Event, over: asyncio.Event) -> None:
    async with await asyncio.start_server(made.take, HOST, 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        started.set()
        await over.wait()


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def _first(*ways: Coroutine[Any, Any, None]) -> None:
    """Wait until one has ended; end the others."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, due: Due, late: Callable[[], float]) -> None:
    loop = asyncio.get_running_loop()
    piece = b"more"
    while piece:
        piece = await reader.read(PIECE)
        await due.put((loop.time() + late(), piece))
    await asyncio.Event().wait()  # what was read last is not written yet
