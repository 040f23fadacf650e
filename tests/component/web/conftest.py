"""The HTTP front on the real operations and in-memory stores, and a client that speaks HTTP to it.

No agents run here: what events bring about is not seen, apart from timelines that are cold and rebuilt on reading.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import BaseTestServer, TestClient
from aiohttp.web import BaseRunner
from argon2.profiles import CHEAPEST

from microblog_streams.operations import access
from tests.support.fakes.web_app import WebApp, WebApps
from web.server.limits import Limits
from web.server.server import GuardedWeb

USUAL = Limits()


class Server(BaseTestServer):
    """The worker's own server, on a port that is free."""

    def __init__(self, driver: GuardedWeb) -> None:
        super().__init__()
        self._driver = driver

    async def _make_runner(self, **options: object) -> BaseRunner:
        return self._driver._runner


@dataclass
class Front:
    """An app and a client of it."""

    app: WebApp
    client: TestClient[Any, Any]


MakeFront = Callable[..., Awaitable[Front]]


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with argon2id at its lowest cost; operations/test_access.py checks what it costs otherwise."""
    monkeypatch.setattr(access, "RFC_9106_LOW_MEMORY", CHEAPEST)


@pytest.fixture(scope="session")
def web_apps() -> WebApps:
    return WebApps()


@pytest.fixture
async def make_front(web_apps: WebApps) -> AsyncIterator[MakeFront]:
    """Make an app with users, ann (1), bob (2) and cleo (3) unless told otherwise, and its client."""
    async with AsyncExitStack() as stack:

        async def make(
            time_limit: float = 10.0,
            names: Sequence[str] = ("ann", "bob", "cleo"),
            limits: Limits = USUAL,
            **settings: Any,
        ) -> Front:
            made = web_apps.take(limits, time_limit, settings)
            stack.callback(web_apps.give_back, made)
            front = Front(made.app, TestClient(Server(made.app.web)))
            stack.push_async_callback(front.client.close)
            await front.client.start_server()
            # As a worker stops: an open stream would hold the server up for as long as it waits for answers.
            stack.push_async_callback(made.app.operations.live.close)
            for name in names:
                await made.app.operations.users.create(name)
            return front

        yield make


@pytest.fixture
async def front(make_front: MakeFront) -> Front:
    return await make_front()


@pytest.fixture
def client(front: Front) -> TestClient[Any, Any]:
    return front.client


@pytest.fixture
def problem() -> Callable[..., Awaitable[dict[str, Any]]]:
    """Check that an answer is a problem document of this status and type that names these fields; return it."""

    async def check(response: ClientResponse, status: int, kind: str, *fields: str) -> dict[str, Any]:
        document = await response.json(content_type="application/problem+json")
        assert (response.status, document["status"], document["type"]) == (status, status, f"/problems/{kind}")
        assert [error["field"] for error in document.get("errors", [])] == list(fields)
        assert document["title"]
        assert all(name in document["detail"] for name in fields)
        return document

    return check


@pytest.fixture
def raw(client: TestClient[Any, Any]) -> Callable[[bytes], Awaitable[bytes]]:
    """Send bytes as they are, for what no well-behaved client sends; return all that comes back."""

    async def exchange(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(request)
        answer = b""
        try:
            while part := await reader.read(65_536):
                answer += part
        except ConnectionResetError:  # the server closed before it had read all of the request
            answer += bytes(reader._buffer)  # type: ignore[attr-defined]
        writer.close()
        return answer

    return exchange
