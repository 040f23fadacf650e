"""A Faust app with nothing behind its views but dictionaries, and a client that speaks HTTP to it.

The fakes keep just enough to answer; every operation fails with ``broken`` when a test sets it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import faust
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from microblog_streams.errors import Invalid, KeyReused, NotFound, UsernameTaken
from microblog_streams.ids import new_post_id, post_time
from microblog_streams.operations import texts
from microblog_streams.operations.pages import Page, PostView
from microblog_streams.records import User
from microblog_streams.settings import Settings
from web import middlewares, routes

TOKEN = "correct-horse-battery-staple"


@dataclass
class Failing:
    """What the fakes share: an error that every operation raises, or a wait that it never comes out of."""

    broken: Exception | None = None
    stuck: bool = False

    async def check(self) -> None:
        if self.stuck:
            await asyncio.Event().wait()
        if self.broken:
            raise self.broken


@dataclass
class FakeUsers:
    failing: Failing
    rows: dict[int, User] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    async def create(self, username: str) -> User:
        await self.failing.check()
        name, key = texts.username(username)
        if key in self.keys:
            raise UsernameTaken(name)
        self.keys.add(key)
        at = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)
        user = self.rows[len(self.keys)] = User(len(self.keys), name, at)
        return user

    async def get(self, user: int) -> User:
        await self.failing.check()
        if user not in self.rows:
            raise NotFound("user", user)
        return self.rows[user]

    async def page(self, after: int, limit: int) -> Page[User, int]:
        await self.failing.check()
        return people(self.rows.values(), after, limit)

    async def delete(self, user: int) -> None:
        await self.get(user)
        del self.rows[user]


@dataclass
class FakeFollows:
    users: FakeUsers
    edges: set[tuple[int, int]] = field(default_factory=set)

    async def follow(self, follower: int, followee: int) -> None:
        if follower == followee:
            raise Invalid("followeeId", "nobody can follow themselves")
        await self.unfollow(follower, followee)
        self.edges.add((follower, followee))

    async def unfollow(self, follower: int, followee: int) -> None:
        await self.users.get(follower)
        await self.users.get(followee)
        self.edges.discard((follower, followee))

    async def followers(self, user: int, after: int, limit: int) -> Page[User, int]:
        await self.users.get(user)
        return people((self.users.rows[a] for a, b in sorted(self.edges) if b == user), after, limit)

    async def followees(self, user: int, after: int, limit: int) -> Page[User, int]:
        await self.users.get(user)
        return people((self.users.rows[b] for a, b in sorted(self.edges) if a == user), after, limit)


@dataclass
class FakePosts:
    users: FakeUsers
    rows: list[PostView] = field(default_factory=list)
    by_key: dict[str, PostView] = field(default_factory=dict)

    async def create(self, author: int, content: str, idempotency_key: str | None = None) -> PostView:
        user = await self.users.get(author)
        if earlier := self.by_key.get(idempotency_key or ""):
            if earlier.content != content:
                raise KeyReused("another post")
            return earlier
        ident = new_post_id()
        post = PostView(ident, author, user.username, texts.content(content), post_time(ident))
        self.rows.insert(0, post)
        if idempotency_key:
            self.by_key[idempotency_key] = post
        return post

    async def get(self, post_id: UUID) -> PostView:
        await self.users.failing.check()
        for post in self.rows:
            if post.id == post_id:
                return post
        raise NotFound("post", post_id)

    async def by_author(self, author: int, before: UUID | None, limit: int) -> Page[PostView, UUID]:
        await self.users.get(author)
        found = [post for post in self.rows if post.author == author and (before is None or post.id < before)]
        return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)

    async def delete(self, post_id: UUID) -> None:
        self.rows.remove(await self.get(post_id))


@dataclass
class FakeTimelines:
    posts: FakePosts

    async def older(self, user: int, before: UUID | None, limit: int) -> Page[PostView, UUID]:
        await self.posts.users.get(user)
        found = [post for post in self.posts.rows if before is None or post.id < before]
        items = found[:limit]
        return Page(items, items[-1].id if len(found) > limit else None, items[0].id if items else before)

    async def newer(self, user: int, after: UUID, limit: int) -> Page[PostView, UUID]:
        await self.posts.users.get(user)
        items = [post for post in self.posts.rows if post.id > after][-limit:]
        return Page(items, items[-1].id if items else after, items[0].id if items else after)


class FakeHealth:
    answer: tuple[bool, str] = (True, "")

    async def report(self) -> Mapping[str, object]:
        return {"status": "degraded", "stores": {"redis": "away"}}

    def ready(self) -> tuple[bool, str]:
        return self.answer


def people(users: Any, after: int, limit: int) -> Page[User, int]:
    found = [user for user in users if user.id > after]
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


class App(faust.App):
    """The real app's shape, as far as views see it."""

    operations: Any
    health: FakeHealth
    failing: Failing


@dataclass
class Front:
    """An app and a client of it."""

    app: App
    client: TestClient[Any, Any]


MakeFront = Callable[..., Awaitable[Front]]


@pytest.fixture
async def make_front() -> AsyncIterator[MakeFront]:
    """Make an app with three users, ann (1), bob (2) and cleo (3), and its client."""
    fronts: list[Front] = []

    async def make(admin_token: str | None = TOKEN, time_limit: float = 10.0) -> Front:
        app = _app(Settings(admin_token=admin_token), time_limit)
        front = Front(app, TestClient(TestServer(app.web.web_app)))
        await front.client.start_server()
        fronts.append(front)
        for name in ("ann", "bob", "cleo"):
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


def _app(settings: Settings, time_limit: float) -> App:
    options = {
        **middlewares.application_options(settings),
        "middlewares": middlewares.middlewares(settings, time_limit),
    }
    app = App(
        "web-test",
        store="memory://",
        web_application_options=options,
        web_stats_enabled=True,
        web_graph_enabled=True,
        web_metrics_enabled=True,
    )
    app.failing = Failing()
    users = FakeUsers(app.failing)
    posts = FakePosts(users)
    app.operations = SimpleNamespace(
        users=users, follows=FakeFollows(users), posts=posts, timelines=FakeTimelines(posts)
    )
    app.health = FakeHealth()
    app.finalize()
    routes.register(app)
    app.web.init_server()
    return app
