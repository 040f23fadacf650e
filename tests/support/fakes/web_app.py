"""The worker's HTTP application on the real operations and in-memory stores.

Routes, middlewares and the description of the API depend on settings alone, and take most of the time that an
application takes to make. So an application is used by many tests, one after the other: each gets it with new stores,
middlewares and a new server, and every attribute as it was when the application was made.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import faust
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Request, StreamResponse, middleware
from prometheus_client.metrics_core import Metric

from microblog_streams.config.settings import NO_LIMITS, Settings
from microblog_streams.metrics.definitions import READY
from microblog_streams.metrics.exposition import family
from microblog_streams.operations import Stores, operations
from microblog_streams.operations.follows import FollowerRows
from microblog_streams.operations.rate_limits import RateLimiter
from microblog_streams.ports import Followers
from microblog_streams.search.find import Search
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
from tests.support.fakes.profiles import FakeProfiles
from tests.support.fakes.rates import FakeRates
from tests.support.fakes.search import FakeSearchIndex
from tests.support.fakes.timelines import FakeTimelines
from tests.support.fakes.users import FakeUsers
from web import routes
from web.middlewares import stack
from web.middlewares.cors import CorsPolicy
from web.middlewares.stack import REQUEST_TIMES, RequestTimes
from web.server.connection_limits import ConnectionLimits
from web.server.limits import Limits
from web.server.server import GuardedRunner, GuardedWeb

ADMIN_TOKEN = "correct-horse-battery-staple"


class FakeHealth:
    answer: tuple[bool, str] = (True, "")

    async def report(self) -> Mapping[str, object]:
        return {"status": "degraded", "stores": {"redis": "away"}}

    def ready(self) -> tuple[bool, str]:
        return self.answer


class FakeMetrics:
    async def families(self) -> Sequence[Metric]:
        return [family(READY, 1)]


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


class WebApp(faust.App):
    """The real app's shape, as far as views see it."""

    web: GuardedWeb
    settings: Settings
    stores: Stores
    operations: Any
    search: Any
    search_index: FakeSearchIndex
    rate_limiter: RateLimiter
    rates: FakeRates
    health: FakeHealth
    metrics: FakeMetrics
    database: FakeDatabase
    log: FakeLog
    timelines: FakeTimelines
    post_cache: FakePostCache
    user_cache: FakeUserCache
    rows: FollowerRows
    local_status: Any
    status_collector: Any

    limits = Limits()
    cors = CorsPolicy()

    def _new_web(self) -> GuardedWeb:
        return GuardedWeb(self, self.limits, self.cors)

    def fail(self, error: Exception | None) -> None:
        """Have every operation raise ``error``, or hang where it is None."""
        self.operations = self.search = Failing(error)


class Middlewares:
    """Middlewares that are made anew for each test, because some remember callers."""

    def __init__(self, make: Callable[[], list[Middleware]]) -> None:
        self._make = make
        self._current: list[Middleware] = []

    def renew(self) -> None:
        self._current = self._make()

    def fixed(self) -> list[Middleware]:
        """Return the one that aiohttp keeps for as long as the application lives: it calls those of the test."""

        @middleware
        async def all_of_them(request: Request, handler: Handler) -> StreamResponse:
            for each in reversed(self._current):
                handler = partial(each, handler=handler)
            return await handler(request)

        return [all_of_them]


@dataclass(frozen=True)
class Made:
    """An application, what it was made of, and its attributes at that time."""

    key: str
    settings: Settings
    app: WebApp
    middlewares: Middlewares
    attributes: Mapping[str, Any]


class WebApps:
    """Makes applications, and keeps those that are not in use."""

    def __init__(self) -> None:
        self._free: dict[str, list[Made]] = {}

    def take(self, limits: Limits, time_limit: float, options: Mapping[str, Any]) -> Made:
        """Return an application with empty stores; ``options`` are settings that differ from open mode, no limits."""
        key = repr((limits, time_limit, sorted(options.items())))
        free = self._free.get(key)
        made = free.pop() if free else _made(key, limits, time_limit, options)
        _reset(made)
        return made

    def give_back(self, made: Made) -> None:
        self._free.setdefault(made.key, []).append(made)


def _made(key: str, limits: Limits, time_limit: float, options: Mapping[str, Any]) -> Made:
    settings = Settings(**{"admin_token": ADMIN_TOKEN, "auth": "open", **NO_LIMITS, **options})
    middlewares = Middlewares(lambda: stack.middlewares(settings, routes.MIDDLEWARE_PATHS, time_limit))
    web_options = {**routes.application_options(settings), "middlewares": middlewares.fixed()}
    app = WebApp(
        "web-test",
        store="memory://",
        web_application_options=web_options,
        web_stats_enabled=True,
        web_graph_enabled=True,
        web_metrics_enabled=True,
    )
    app.limits, app.cors = limits, CorsPolicy(settings.cors_origins)
    app.finalize()
    routes.register(app, app, required=settings.auth == "required")
    app.web.init_server()
    return Made(key, settings, app, middlewares, dict(vars(app)))


def _reset(made: Made) -> None:
    app = made.app
    vars(app).clear()
    vars(app).update(made.attributes)
    made.middlewares.renew()
    app.database, app.log, app.timelines = FakeDatabase(), FakeLog(), FakeTimelines()
    app.post_cache, app.user_cache = FakePostCache(), FakeUserCache()
    app.stores = _stores(app)
    app.operations = operations(app.stores, max_followees=made.settings.max_followees)
    app.settings = made.settings
    app.search_index = FakeSearchIndex()
    blocks, hydration = app.stores.blocks, app.operations.posts.hydration
    app.search = Search(app.search_index, app.operations.users, app.stores.users, blocks, hydration)
    app.rates = FakeRates()
    app.rate_limiter = RateLimiter(made.settings, app.rates, LocalRates())
    app.health, app.metrics = FakeHealth(), FakeMetrics()
    app.rows = FollowerRows(FakeFollowers(), lambda author: author % 8, "w6066")
    _renew_server(app)


def _renew_server(app: WebApp) -> None:
    """aiohttp binds an application to the loop that served it first, so it is told to forget that one."""
    web = app.web
    web.web_app._loop = None
    web.web_app._state[REQUEST_TIMES] = RequestTimes()
    web.connections = ConnectionLimits(app.limits)
    web._runner = GuardedRunner(web.web_app, web.connections, app.limits, app.cors)


def _stores(app: WebApp) -> Stores:
    posts, users = app.post_cache, app.user_cache
    return Stores(
        log=app.log,
        newest_posts=app.log,
        users=FakeUsers(app.database),
        profiles=FakeProfiles(app.database),
        follows=FakeFollows(app.database),
        blocks=FakeBlocks(app.database),
        idempotency=FakeIdempotency(app.database),
        tokens=FakeTokens(app.database),
        passwords=FakePasswords(app.database),
        posts=FakePosts(),
        timelines=app.timelines,
        live=app.timelines.live,
        post_cache=posts,
        user_cache=users,
        page_cache=FakePageCache(posts, users),
        followers=cast(Followers, None),  # only agents look at it
    )
