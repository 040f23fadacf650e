"""The part of the REST contract that both platforms speak, and no more of the answers than a load needs.

Of a person only ``id`` is read, as it comes, and of a timeline only each item's ``content``: what else an answer has,
and how it is called, is the server's own affair. Nothing is tried again, and pages are asked for as they are, not
compressed.
"""

import json
from dataclasses import dataclass
from typing import Final, Self

import aiohttp

from microblog_streams.errors import SetupError

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

    async def register(self, name: str) -> Person:
        """Register somebody; return their id."""
        url = f"{self.server.users}/users/"
        answer = await self._call("POST", url, {"username": name})
        try:
            ident = json.loads(answer)["id"]
        except (ValueError, KeyError, TypeError) as exc:
            raise _unlike("POST", url, "a user with an id", answer) from exc
        if not isinstance(ident, Person) or isinstance(ident, bool):
            raise _unlike("POST", url, "a user whose id is a number or a text", answer)
        return ident

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
        try:
            async with self.session.request(method, url, json=body) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise Unfit(f"{method} {url} was not answered: {exc or f'no answer within {TIMEOUT:.0f} s'}") from exc
        if not response.ok:
            raise Unfit(f"{method} {url} was answered with {response.status}: {_begin(answer)}")
        return answer


def open_session() -> aiohttp.ClientSession:
    """Return a session for any number of calls side by side."""
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=TIMEOUT)
    return aiohttp.ClientSession(connector=connector, timeout=timeout, headers={"Accept-Encoding": "identity"})


def _unlike(method: str, url: str, wanted: str, answer: bytes) -> Unfit:
    return Unfit(f"{method} {url} was not answered with {wanted}: {_begin(answer)}")


def _begin(answer: bytes) -> str:
    return answer[:_TOLD].decode(errors="replace") or "nothing"
