"""Connects the stores that a command needs, for as long as it runs; and does many things side by side."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from microblog_streams.ports import Connection

T = TypeVar("T")


@asynccontextmanager
async def connected(*connections: Connection) -> AsyncIterator[None]:
    """Keep the connections open inside the block. Raises StoreUnavailable, SetupError."""
    try:
        for connection in connections:
            await connection.connect()
        yield
    finally:
        for connection in connections:
            await connection.close()


async def side_by_side(items: Iterable[T], work: Callable[[T], Awaitable[object]], at_once: int) -> None:
    """Do the work for each item, ``at_once`` at a time; the first failure ends all of it, and is raised."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
