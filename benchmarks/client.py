"""A client of the REST API, as anybody could write one."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp

from benchmarks.expectation import Item

T = TypeVar("T")
_NEXT = re.compile(r'<([^>]*)>; rel="next"')
#: Seconds of one call, and tries of a read that is answered with 503.
_TIMEOUT, _TRIES = 30.0, 8


@dataclass
class Client:
    """Spreads its calls over the workers."""

    session: aiohttp.ClientSession
    urls: Sequence[str]
    #: Reads that were answered with 503, or not in full, and made again.
    retried: int = 0
    _turn: "cycle[str]" = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the first worker."""
        self._turn = cycle(self.urls)

    async def post(self, author: int, content: str) -> Item:
        """Write a post. Raises RuntimeError for any answer but 201."""
        return _item(await self._call("POST", "/posts/", {"userId": author, "content": content}, 201))

    async def register(self) -> int:
        """Register somebody under a new name; return their id."""
        answer = await self._call("POST", "/users/", {"username": f"b{uuid4().hex[:16]}"}, 201)
        return int(answer["id"])

    async def follow(self, follower: int, followee: int) -> None:
        """Have one person follow another."""
        await self._call("POST", f"/users/{follower}/follow/{followee}", None, 200)

    async def timeline(self, user: int) -> list[Item]:
        """Read a whole timeline, page after page."""
        return [_item(item) async for item in self._pages(f"/timelines/{user}?limit=100")]

    async def people(self) -> AsyncIterator[tuple[int, str]]:
        """Read everybody: id and username."""
        async for user in self._pages("/users/?limit=100"):
            yield user["id"], user["username"]

    async def followees(self, user: int) -> set[int]:
        """Read the ids of all whom a user follows."""
        return {followee["id"] async for followee in self._pages(f"/users/{user}/followees?limit=100")}

    async def warm(self, user: int) -> None:
        """Read the first page of a timeline: a cold one is rebuilt by that."""
        await self._get(f"{next(self._turn)}/timelines/{user}")

    async def status(self, path: str) -> int:
        """Return the status of a page."""
        async with self.session.get(next(self._turn) + path) as response:
            return response.status

    async def health(self) -> list[dict[str, Any]]:
        """Return what each worker says of itself."""
        return [(await self._get(f"{url}/health"))[0] for url in self.urls]

    async def _call(self, method: str, path: str, body: object, status: int) -> Any:  # noqa: ANN401 - JSON
        """Return an answer's JSON. RuntimeError for any other status."""
        async with self.session.request(method, next(self._turn) + path, json=body) as response:
            if response.status != status:
                raise RuntimeError(f"{method} {path} was answered with {response.status}: {await response.text()}")
            return await response.json()

    async def _pages(self, path: str | None) -> AsyncIterator[Any]:
        while path:
            body, path = await self._get(next(self._turn) + path)
            for item in body:
                yield item

    async def _get(self, url: str) -> tuple[Any, str | None]:
        """Return an answer's JSON and the path of the next page. RuntimeError for any answer but a complete 200."""
        for attempt in range(_TRIES):
            async with self.session.get(url) as response:
                if response.status == 200 and "Timeline-State" not in response.headers:
                    link = _NEXT.search(response.headers.get("Link", ""))
                    return await response.json(), link[1] if link else None
                text = await response.text()
                if response.status not in (200, 503):
                    break
            self.retried += 1
            await asyncio.sleep(0.1 * 2**attempt)
        raise RuntimeError(f"GET {url} was answered with {response.status}: {text}")


@asynccontextmanager
async def client(urls: Sequence[str]) -> AsyncIterator[Client]:
    """Open a client, and close it after the block."""
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=_TIMEOUT)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield Client(session, urls)


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


def _item(post: Any) -> Item:  # noqa: ANN401 - JSON
    return Item(post["postId"], post["userId"], post["content"])
