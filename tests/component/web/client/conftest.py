"""The Python client against the real server, on a real port, with a gateway between them that can break responses."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web as http
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result

from microblog_streams.cli.__main__ import cli
from microblog_streams.client import Client, Registered, live

#: Spoilt before the front sees the request, and after the front answered it.
REFUSED, LOST = "refused", "lost"
PASSWORD = "correct horse"


@dataclass
class Gateway:
    """Passes requests on to a front. Each of ``spoil`` befalls one request: a status, REFUSED or LOST."""

    front: Any
    spoil: list[Any] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    #: Method, path and headers of every request.
    seen: list[tuple[str, str, Any]] = field(default_factory=list)

    async def handle(self, request: http.Request) -> http.StreamResponse:
        self.seen.append((request.method, request.path_qs, request.headers))
        fate = self.spoil.pop(0) if self.spoil else None
        if isinstance(fate, int):
            return http.Response(status=fate, headers=self.headers, text="<h1>Not now</h1>")
        answer = http.Response() if fate == REFUSED else await self._pass_on(request)
        if fate is not None:
            request.transport.abort()
        return answer

    async def _pass_on(self, request: http.Request) -> http.Response:
        sent = self.front.client.request(
            request.method, request.rel_url, data=await request.read(), headers=request.headers
        )
        async with sent as got:
            kept = {name: got.headers[name] for name in ("Link", "ETag", "Retry-After") if name in got.headers}
            return http.Response(status=got.status, body=await got.read(), headers=kept, content_type=got.content_type)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Any], Any]]:
    """Serve a handler on a port; return its URL."""
    async with AsyncExitStack() as stack:

        async def start(handler: Any) -> str:
            app = http.Application()
            app.router.add_route("*", "/{path:.*}", handler)
            server = TestServer(app)
            await server.start_server()
            stack.push_async_callback(server.close)
            return str(server.make_url("")).rstrip("/")

        yield start


@pytest.fixture
async def open_client() -> AsyncIterator[Callable[..., Client]]:
    """Open clients, and close them after the test."""
    async with AsyncExitStack() as stack:

        def make(*urls: str, **options: Any) -> Client:
            client = Client(*urls, **options)
            stack.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a client that follows a timeline come back at once after a break.

    The module's own ``random`` alone is replaced: feeds in the server would read their logs without a pause.
    """
    monkeypatch.setattr(live, "random", SimpleNamespace(uniform=lambda low, high: 0.0))


@pytest.fixture
async def strict(make_front: Any) -> Any:
    """The front in its usual mode: each user acts by a token of their own."""
    return await make_front(names=(), auth="required")


@pytest.fixture
def strict_url(strict: Any) -> str:
    return str(strict.client.make_url("")).rstrip("/")


@pytest.fixture
async def stranger(strict_url: str, open_client: Any) -> Client:
    return open_client(strict_url)


@pytest.fixture
async def registered_ann(stranger: Client) -> Registered:
    return await stranger.register("ann", PASSWORD)


@pytest.fixture
async def strict_ann(stranger: Client, registered_ann: Registered) -> Client:
    """Ann, with the token of her registration."""
    return stranger.acting_as(registered_ann.identity)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a person's settings; nothing is left of the environment in which the tests run."""
    for name in ("MICROBLOG_URL", "MICROBLOG_AS", "MICROBLOG_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def microblog(url: str, home: Path) -> Callable[..., Awaitable[Result]]:
    """Run the command line against the front, or against ``at``."""

    async def run(*words: str, at: str = url, stdin: str | None = None, **env: str) -> Result:
        invoke = CliRunner().invoke
        return await asyncio.to_thread(invoke, cli, words, input=stdin, env={"MICROBLOG_URL": at, **env})

    return run


@pytest.fixture
def url(front: Any) -> str:
    return str(front.client.make_url("")).rstrip("/")


@pytest.fixture
def gateway(front: Any) -> Gateway:
    return Gateway(front)


@pytest.fixture
async def spoilt(gateway: Gateway, serve: Any) -> str:
    """The gateway's URL."""
    return await serve(gateway.handle)


@pytest.fixture
async def anybody(url: str, open_client: Any) -> Client:
    """A client without a user."""
    return open_client(url)


@pytest.fixture
def lonely() -> Iterator[str]:
    """A URL at which no server answers: its port is taken, and nothing listens there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
