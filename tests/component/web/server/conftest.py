"""Raw connections to the worker's own server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.waiting import DEADLINE_SECONDS


@dataclass
class Answer:
    """What a server sent, taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, data: bytes) -> "Answer":
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return cls(int(first.split()[1]), headers, body)

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["Content-Type"] == "application/problem+json"
        return json.loads(self.body)


@dataclass
class Connection:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        if self.writer.is_closing():
            raise ConnectionResetError("the server has ended it")  # uvloop raises a RuntimeError
        self.writer.write(data)

    async def answer(self) -> Answer:
        """Return the next answer; the connection goes on."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        answer = Answer.of(head)
        answer.body = await self.reader.readexactly(int(answer.headers.get("Content-Length", 0)))
        return answer

    async def rest(self) -> bytes:
        """Return all that comes until the server closes; a reset is an end too."""
        parts = []
        try:
            while part := await self.reader.read(65_536):
                parts.append(part)
        except ConnectionError:
            pass
        return b"".join(parts)

    async def ended(self) -> None:
        """Wait until the server has closed, at most as long as a test may take."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.rest()


Connect = Callable[..., Awaitable[Connection]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Open a connection to a front."""
    writers = []

    async def opened(front: Any, **options: Any) -> Connection:
        reader, writer = await asyncio.open_connection(front.client.host, front.client.port, **options)
        writers.append(writer)
        return Connection(reader, writer)

    yield opened
    for writer in writers:
        writer.transport.abort()


@pytest.fixture
def said() -> Callable[[Connection], Awaitable[Answer]]:
    """What a server said last before it closed."""

    async def read(connection: Connection) -> Answer:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return Answer.of(await connection.rest())

    return read
