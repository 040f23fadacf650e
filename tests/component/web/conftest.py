"""The HTTP front on the real operations and in-memory stores, and a client that speaks HTTP to it.

No agents run here: what events bring about is not seen, apart from timelines that are cold and rebuilt on reading.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import faust
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import BaseTestServer, TestClient
from aiohttp.web import BaseRunner
from argon2.profiles import CHEAPEST

from microblog_streams.config.settings import NO_LIMITS, Settings
from microblog_streams.operations import Stores, access, operations
from microblog_streams.operations.follows import FollowerRows
from microblog_streams.operations.rate_limits import RateLimiter
from microblog_streams.ports import Followers
from microblog_streams.stores.redis.rates import LocalRates
from tests.support.fakes.access import FakePasswords, FakeTokens
from tests.support.fakes.blocks import FakeBlocks
from tests.support.fakes.caches import FakePageCache, FakePostCache, FakeUserCache
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.followers import FakeFollowers
from tests.support.fakes.follows import FakeFollows
from tests.support.fakes.idempotency import FakeIdempotency
from tests.support.fakes.log import FakeLog
from tests.support.fakes.posts import FakePosts
from tests.support.fakes.rates import FakeRates
from tests.support.fakes.timelines import FakeTimelines
from tests.support.fakes.users import FakeUsers
from web import routes
from web.middlewares import stack
from web.middlewares.cors import CorsPolicy
from web.server.limits import Limits
from web.server.server import GuardedWeb

TOKEN = "correct-horse-battery-staple"
USUAL = Limits()


class FakeHealth:
    answer: tuple[bool, str] = (True, "")

    async def report(self) -> Mapping[str, object]:
        return {"status": "degraded", "stores": {"redis": "away"}}

    def ready(self) -> tuple[bool, str]:
        return self.answer


class Failing:
    """Operations of which every one raises ``error``, or never ends."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def __getattr__(self, name: str) -> "Failing":
        return self

    async def __call__(self, *arguments: object) -> None:
        if self.error:
            raise self.error
        await asyncio.Event().wait()


class App(faust.App):
    """The real app's shape, as far as views see it."""

    stores: Stores
    operations: Any
    rate_limiter: RateLimiter
    rates: FakeRates
    health: FakeHealth
    database: FakeDatabase
    log: FakeLog
    timelines: FakeTimelines
    post_cache: FakePostCache
    user_cache: FakeUserCache
    rows: FollowerRows
    local_status: Any
    status_collector: Any

    limits = USUAL
    cors = CorsPolicy()

    def _new_web(self) -> GuardedWeb:
        return GuardedWeb(self, self.limits, self.cors)

    def fail(self, error: Exception | None) -> None:
        """Have every operation raise ``error``, or hang where it is None."""
        self.operations = Failing(error)


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

    app: App
    client: TestClient[Any, Any]


MakeFront = Callable[..., Awaitable[Front]]


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with argon2id at its lowest cost; operations/test_access.py checks what it costs otherwise."""
    monkeypatch.setattr(access, "RFC_9106_LOW_MEMORY", CHEAPEST)


@pytest.fixture
async def make_front() -> AsyncIterator[MakeFront]:
    """Make an app with users, ann (1), bob (2) and cleo (3) unless told otherwise, and its client."""
    fronts: list[Front] = []

    async def make(
        time_limit: float = 10.0,
        names: Sequence[str] = ("ann", "bob", "cleo"),
        limits: Limits = USUAL,
        **settings: Any,
    ) -> Front:
        app = _app(Settings(**{"admin_token": TOKEN, "auth": "open", **NO_LIMITS, **settings}), time_limit, limits)
        front = Front(app, TestClient(Server(app.web)))
        await front.client.start_server()
        fronts.append(front)
        for name in names:
            await app.operations.users.create(name)
        return front

    yield make
    for front in fronts:
        await front.client.close()


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
        answer = await reader.read()
        writer.close()
        return answer

    return exchange


def _app(settings: Settings, time_limit: float, limits: Limits) -> App:
    options = {
        **routes.application_options(settings),
        "middlewares": stack.middlewares(settings, routes.MIDDLEWARE_PATHS, time_limit),
    }
    app = App(
        "web-test",
        store="memory://",
        web_application_options=options,
        web_stats_enabled=True,
        web_graph_enabled=True,
        web_metrics_enabled=True,
    )
    app.limits, app.cors = limits, CorsPolicy(settings.cors_origins)
    app.database, app.log, app.timelines = FakeDatabase(), FakeLog(), FakeTimelines()
    app.post_cache, app.user_cache = FakePostCache(), FakeUserCache()
    app.stores = _stores(app)
    app.operations = operations(app.stores, max_followees=settings.max_followees)
    app.rates = FakeRates()
    app.rate_limiter = RateLimiter(settings, app.rates, LocalRates())
    app.health = FakeHealth()
    app.rows = FollowerRows(FakeFollowers(), lambda author: author % 8, "w6066")
    app.finalize()
    routes.register(app, app, required=settings.auth == "required")
    app.web.init_server()
    return app


def _stores(app: App) -> Stores:
    posts, users = app.post_cache, app.user_cache
    return Stores(
        log=app.log,
        users=FakeUsers(app.database),
        follows=FakeFollows(app.database),
        blocks=FakeBlocks(app.database),
        idempotency=FakeIdempotency(app.database),
        tokens=FakeTokens(app.database),
        passwords=FakePasswords(app.database),
        posts=FakePosts(),
        timelines=app.timelines,
        post_cache=posts,
        user_cache=users,
        page_cache=FakePageCache(posts, users),
        followers=cast(Followers, None),  # only agents look at it
    )
