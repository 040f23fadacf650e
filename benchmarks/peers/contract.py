"""The part of the REST contract that both platforms speak, and no more of the answers than a load needs.

Of a person only ``id`` and the field that holds the name are read, and of a timeline only each item's ``content``: what
else an answer has, and how it is called, is the server's own affair. The original answers a registration with nothing,
so ids are looked up in the list of users; and it refuses calls without ``Content-Type: application/json``, also those
without a body. Nothing is tried again, and pages are asked for as they are, not compressed.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Self

import aiohttp

from microblog_streams.domain.errors import SetupError

#: A person's id: a number with us, whatever it is elsewhere.
Person = int | str
#: Posts a page: the most that the contract knows.
PAGE: Final = 100
#: Seconds of one call.
TIMEOUT: Final = 30.0
#: Characters of an answer that an error tells.
_TOLD: Final = 200


class Unfit(SetupError):
    """A server that is not there, or does not answer as the contract says: the call, and what came of it."""


@dataclass(frozen=True, slots=True)
class Server:
    """Base URLs: one service for each, or one for all."""

    users: str
    posts: str
    timelines: str

    @classmethod
    def at(cls, urls: list[str]) -> Self:
        """Return the server at one URL, or at three: users, posts, timelines. Raises Unfit for others."""
        if wrong := [url for url in urls if not url.startswith(("http://", "https://"))]:
            raise Unfit(f"{wrong[0]} is no URL of a server: it must begin with http:// or https://")
        if len(urls) not in (1, 3):
            raise Unfit(f"{len(urls)} URLs: give one, or three for users, posts and timelines")
        users, posts, timelines = (url.rstrip("/") for url in (urls * 3 if len(urls) == 1 else urls))
        return cls(users, posts, timelines)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls a server. All methods raise Unfit."""

    session: aiohttp.ClientSession
    server: Server

    async def register(self, name: str) -> None:
        """Register a user, and ignore the answer."""
        await self._call("POST", f"{self.server.users}/users/", {"username": name})

    async def ids(self, names: Collection[str]) -> dict[str, Person]:
        """Return the ids of people by their names, from the list of users: all pages of it that are needed.

        A list may come whole, or in pages, each with a ``Link`` to the next one.
        """
        found: dict[str, Person] = {}
        wanted = frozenset(names)
        url: str | None = f"{self.server.users}/users/?limit={PAGE}"
        while url and len(found) < len(wanted):
            answer, following = await self._page("GET", url)
            found.update(_people(url, answer, wanted))
            url = following
        if missing := [name for name in names if name not in found]:
            raise Unfit(f"GET {self.server.users}/users/ lacks {len(missing)} who registered: {missing[0]}")
        return found

    async def follow(self, follower: Person, followee: Person) -> None:
        """Have one person follow another."""
        await self._call("POST", f"{self.server.users}/users/{follower}/follow/{followee}")

    async def post(self, author: Person, content: str) -> None:
        """Write a post."""
        await self._call("POST", f"{self.server.posts}/posts/", {"userId": author, "content": content})

    async def page(self, reader: Person) -> None:
        """Read the newest page of a timeline, and look at nothing."""
        await self._call("GET", self._page_of(reader))

    async def contents(self, reader: Person) -> list[str]:
        """Read the newest page of a timeline; return what its posts say."""
        url = self._page_of(reader)
        answer = await self._call("GET", url)
        try:
            return [post["content"] for post in json.loads(answer)]
        except (ValueError, KeyError, TypeError) as exc:
            raise _unlike("GET", url, "an array of posts, each with its content", answer) from exc

    def _page_of(self, reader: Person) -> str:
        return f"{self.server.timelines}/timelines/{reader}?limit={PAGE}"

    async def _call(self, method: str, url: str, body: dict[str, Person] | None = None) -> bytes:
        return (await self._page(method, url, body))[0]

    async def _page(self, method: str, url: str, body: dict[str, Person] | None = None) -> tuple[bytes, str | None]:
        """Return what was answered, and where it goes on."""
        data = None if body is None else json.dumps(body).encode()
        try:
            async with self.session.request(method, url, data=data) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise Unfit(f"{method} {url} was not answered: {exc or f'no answer within {TIMEOUT:.0f} s'}") from exc
        if not response.ok:
            raise Unfit(f"{method} {url} was answered with {response.status}: {_begin(answer)}")
        following = response.links.get("next")
        return answer, str(following["url"]) if following else None


def open_session() -> aiohttp.ClientSession:
    """Return a session for any number of calls side by side."""
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=TIMEOUT)
    headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
    return aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers)


def _people(url: str, answer: bytes, wanted: frozenset[str]) -> Iterator[tuple[str, Person]]:
    """Return names and ids of those in a list of users who are wanted. Raises Unfit for what is no such list."""
    try:
        people = [(person["id"], person.values()) for person in json.loads(answer)]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _unlike("GET", url, "an array of users, each with an id", answer) from exc
    for ident, values in people:
        if not isinstance(ident, Person) or isinstance(ident, bool):
            raise _unlike("GET", url, "users whose id is a number or a text", answer)
        yield from ((value, ident) for value in values if isinstance(value, str) and value in wanted)


def _unlike(method: str, url: str, wanted: str, answer: bytes) -> Unfit:
    return Unfit(f"{method} {url} was not answered with {wanted}: {_begin(answer)}")


def _begin(answer: bytes) -> str:
    return answer[:_TOLD].decode(errors="replace") or "nothing"
