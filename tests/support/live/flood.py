"""Many connections of one address, each asking for a live timeline and then staying open."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

#: In place of a status: the worker closed the connection, or reset it, without an answer.
CLOSED = 0
#: Connections that are made at the same time.
AT_ONCE = 200


@dataclass
class Flood:
    """``statuses`` counts the answers."""

    port: int
    user: int
    source: str
    statuses: Counter[int] = field(default_factory=Counter)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self, count: int) -> None:
        """Open so many connections more, and read the status line of each."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with room:
                self.statuses[await self._asked()] += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(one())

    def close(self) -> None:
        """Reset all connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def _asked(self) -> int:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.source, 0))
            self._writers.append(writer)
            writer.write(f"GET /timelines/{self.user}/live HTTP/1.1\r\nHost: flood\r\n\r\n".encode())
            line = await reader.readline()
        except OSError:
            return CLOSED
        return int(line.split()[1]) if line else CLOSED


@asynccontextmanager
async def flood(port: int, user: int, source: str, count: int) -> AsyncIterator[Flood]:
    """Keep connections open for as long as the block lasts."""
    made = Flood(port, user, source)
    try:
        await made.connect(count)
        yield made
    finally:
        made.close()
