"""The platform's own Python client as the benchmarks use it: its calls spread over the workers.

What is measured goes past it, once and as it is: a post that was tried again would count with the wait for it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp

from benchmarks.expectation import Item
from microblog_streams import client as rest
from microblog_streams.client.pages import MAX_PAGE_SIZE

T = TypeVar("T")
#: Seconds of one call.
_TIMEOUT = 30.0
#: Posts that are read of a timeline to have it rebuilt.
_WARMING = 20


@dataclass
class Client:
    """Spreads its calls over the workers."""

    session: aiohttp.ClientSession
    urls: Sequence[str]
    #: Calls that were answered with 503, or not in full, and made again.
    retried: int = 0
    _turn: "cycle[str]" = field(init=False)
    _callers: "cycle[rest.Client]" = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the first worker."""
        self._turn = cycle(self.urls)
        self._callers = cycle([rest.Client(url, session=self.session, trouble=self._count) for url in self.urls])

    async def post(self, author: int, content: str) -> Item:
        """Write a post, in one try. Raises RuntimeError for any answer but 201."""
        body = {"userId": author, "content": content}
        async with self.session.post(f"{next(self._turn)}/posts/", json=body) as response:
            if response.status != 201:
                raise RuntimeError(f"a post was answered with {response.status}: {await response.text()}")
            return Item((await response.json())["postId"], author, content)

    async def register(self) -> int:
        """Register a user under a new name; return their id."""
        return (await next(self._callers).register(f"b{uuid4().hex[:16]}")).user.id

    async def follow(self, follower: int, followee: int) -> None:
        """Have one person follow another."""
        await next(self._callers).follow(followee, follower=follower)

    async def timeline(self, user: int) -> list[Item]:
        """Read a whole timeline, page after page."""
        return [
            Item(str(post.post_id), post.user_id, post.content) async for post in next(self._callers).timeline(user)
        ]

    async def search(self, query: str) -> list[Item]:
        """Read all results of a search, page after page, newest first."""
        found = next(self._callers).search(query, page_size=MAX_PAGE_SIZE)
        return [Item(str(post.post_id), post.user_id, post.content) async for post in found]

    async def delete(self, post_id: str) -> None:
        """Delete a post."""
        await next(self._callers).delete_post(post_id)

    async def people(self) -> AsyncIterator[tuple[int, str]]:
        """Read everybody: id and username."""
        async for user in next(self._callers).users():
            yield user.id, user.username

    async def followees(self, user: int) -> set[int]:
        """Read the ids of all whom a user follows."""
        return {followee.id async for followee in next(self._callers).followees(user)}

    async def warm(self, user: int) -> None:
        """Read the first page of a timeline: a cold one is rebuilt by that."""
        await next(self._callers).timeline(user, page_size=_WARMING).page()

    async def status(self, path: str) -> int:
        """Return the status of a page."""
        async with self.session.get(next(self._turn) + path) as response:
            return response.status

    async def health(self) -> list[dict[str, Any]]:
        """Return what each worker says of itself."""
        return [await self._health(url) for url in self.urls]

    async def _health(self, url: str) -> dict[str, Any]:
        async with self.session.get(f"{url}/health", raise_for_status=True) as response:
            report: dict[str, Any] = await response.json()
            return report

    def _count(self, error: rest.ClientError) -> None:
        self.retried += 1


@asynccontextmanager
async def client(urls: Sequence[str]) -> AsyncIterator[Client]:
    """Open a client, and close it after the block."""
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=_TIMEOUT)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield Client(session, urls)


async def next_page(session: aiohttp.ClientSession, url: str) -> str:
    """Read a page; return the URL of the one after it. RuntimeError where there is none."""
    async with session.get(url) as response:
        await response.read()
        if "next" not in response.links:
            raise RuntimeError(f"GET {url} was answered with {response.status} and no next page")
        return str(response.links["next"]["url"])


async def side_by_side(
    clients: int, work: Callable[[int], Awaitable[T]], people: Iterable[int], done: Callable[[], object]
) -> dict[int, T]:
    """Do the work for everybody, ``clients`` at a time; ``done`` is called after each. Return what it returned."""
    queue = iter(people)
    results: dict[int, T] = {}

    async def one_client() -> None:
        for person in queue:
            results[person] = await work(person)
            done()

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(one_client())
    return results
