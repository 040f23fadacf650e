"""A part that is slow instead of dead: a TCP proxy in front of it, which keeps every byte back for a while.

It has a thread and a loop of its own, so whatever the tests do does not slow it down further. A delay is a distance,
not a narrow pipe: what comes side by side is late by as much, in its order.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
#: Bytes that are read at a time, and how many such pieces may be on their way in one direction of a connection.
PIECE, PIECES = 65_536, 512
#: Pieces, and the loop's time at which each is due; an empty one is the end.
Due = asyncio.Queue[tuple[float, bytes]]


@dataclass
class Proxy:
    """Passes on, both ways, what comes for a port of loopback, as late as it says at the time."""

    target: int
    port: int = 0
    #: Seconds that requests are late, and that answers are; to be set from any thread.
    there: float = 0.0
    back: float = 0.0
    #: Connections that were taken.
    taken: int = 0

    async def take(self, outside: asyncio.StreamReader, to_outside: asyncio.StreamWriter) -> None:
        """Serve one connection, until either side ends it or the proxy ends."""
        self.taken += 1
        with contextlib.suppress(OSError, asyncio.CancelledError), contextlib.closing(to_outside):
            inside, to_inside = await asyncio.open_connection(HOST, self.target)
            with contextlib.closing(to_inside):
                await _first(
                    _pass_on(outside, to_inside, lambda: self.there), _pass_on(inside, to_outside, lambda: self.back)
                )


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """Serve in front of a port, on another one, for as long as the block lasts."""
    made, loop, over = Proxy(target), asyncio.new_event_loop(), asyncio.Event()
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


async def _first(*ways: Coroutine[Any, Any, None]) -> None:
    """Wait until one has ended; end the others."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late: Callable[[], float]) -> None:
    """Pass everything on, each piece as late as is said when it comes; end once the last words are passed on."""
    due: Due = asyncio.Queue(PIECES)
    await _first(_read(reader, due, late), _write(due, writer))


async def _read(reader: asyncio.StreamReader, due: Due, late: Callable[[], float]) -> None:
    loop = asyncio.get_running_loop()
    piece = b"more"
    while piece:
        piece = await reader.read(PIECE)
        await due.put((loop.time() + late(), piece))
    await asyncio.Event().wait()  # what was read last is not written yet


async def _write(due: Due, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    while True:
        at, piece = await due.get()
        await asyncio.sleep(at - loop.time())
        if not piece:
            return
        writer.write(piece)
        await writer.drain()
