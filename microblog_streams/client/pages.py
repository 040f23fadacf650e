"""Lists, which the API gives in pages linked by the ``Link`` header (RFC 8288), and polling of a timeline.

async for post in client.posts(7):       # all posts, page after page
    ...
page = await client.posts(7).page()      # the first page; page.next is the address of the second

``TimelinePoller`` sends the page's ETag along, so a poll that finds nothing new costs a 304. It compares a changed page
with the posts already seen, because a post can arrive late, below newer ones: following ``rel="prev"`` from the newest
seen post would miss it. If no post of the page was seen before, more were written than fit on a page, and the pages
below are read too, down to the first one with a post that was seen.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from uuid import UUID

from microblog_streams.client.errors import (
    ApiError,
    BadAnswer,
    ErrorCallback,
    TooManyRequests,
    Unavailable,
    Unreachable,
    retry_after,
)
from microblog_streams.client.models import Model, Post, Request, Response
from microblog_streams.client.transport import AuthenticatedTransport, parse

ItemT = TypeVar("ItemT", bound=Model)

#: Items on a page when a whole list is read: the API gives no more.
MAX_PAGE_SIZE: Final = 100

_LINK: Final = re.compile(r'<([^>]*)>((?:\s*;\s*\w+\*?\s*(?:=\s*(?:"[^"]*"|[^",;\s]*))?)*)')
_REL: Final = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))', re.IGNORECASE)

#: Pause between two polls.
POLL_SECONDS: Final = 5.0
#: Posts on the page that is polled.
POLL_PAGE_SIZE: Final = 20
_LOWEST: Final = UUID(int=0)
#: Posts that are remembered as seen, at most; half of them at least.
MAX_SEEN: Final = 2_000


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """Part of a list. ``next`` and ``prev`` are arguments for ``Listing.page``; None if there is no such page."""

    items: tuple[ItemT, ...]
    next: str | None = None
    prev: str | None = None
    #: Identifies this state of the page; ``Listing.changed`` sends it back.
    etag: str | None = None
    #: False: the page may lack posts; a request after ``retry_after`` seconds may get all of them.
    whole: bool = True
    retry_after: float | None = None


@dataclass(frozen=True)
class Listing(Generic[ItemT]):
    """A list on the server. Iteration requests page after page; items added or removed in between shift nothing."""

    transport: AuthenticatedTransport
    path: str
    item: type[ItemT]
    limit: int = MAX_PAGE_SIZE

    async def page(self, at: str | None = None, *, whole: bool = True) -> Page[ItemT]:
        """Return the first page, or the page at ``next`` or ``prev`` of another page. Raises ClientError.

        With ``whole=False`` the newest page of a timeline that is being rebuilt is returned although it may lack posts.
        """
        return self._page(await self.transport.call(Request("GET", at or self._first, whole=whole)))

    async def changed(self, since: Page[ItemT]) -> Page[ItemT] | None:
        """Return the first page, whole or not; None if it is the same as ``since``. Raises ClientError."""
        headers = {"If-None-Match": since.etag} if since.etag else {}
        response = await self.transport.call(Request("GET", self._first, headers=headers, whole=False))
        return None if response.status == 304 else self._page(response)

    async def __aiter__(self) -> AsyncIterator[ItemT]:
        """Yield every item. Raises ClientError."""
        page = await self.page()
        while True:
            for item in page.items:
                yield item
            if page.next is None:
                return
            page = await self.page(page.next)

    @property
    def _first(self) -> str:
        return f"{self.path}{'&' if '?' in self.path else '?'}limit={self.limit}"

    def _page(self, response: Response) -> Page[ItemT]:
        related = parse_links(response.headers.get("Link", ""))
        return Page(
            parse(response, tuple[self.item, ...]),  # type: ignore[name-defined]
            related.get("next"),
            related.get("prev"),
            response.headers.get("ETag"),
            whole=not response.incomplete,
            retry_after=retry_after(response),
        )


def parse_links(header: str) -> Mapping[str, str]:
    """Return the target of each relation of a ``Link`` header.

    Raises BadAnswer for a target that is not a path on the same server: the token would be sent to it.
    """
    targets: dict[str, str] = {}
    for target, parameters in _LINK.findall(header):
        if relation := _REL.search(parameters):
            for name in (relation[1] or relation[2]).lower().split():
                targets.setdefault(name, _checked_target(target))
    return targets


def _checked_target(target: str) -> str:
    if not target.startswith("/") or target.startswith("//"):
        raise BadAnswer("a link of the answer leads to another server")
    return target


@dataclass
class TimelinePoller:
    """Polls one timeline. Posts that are on the newest page at the first poll count as seen."""

    listing: Listing[Post]
    #: Seconds between polls.
    interval: float
    #: Called with each error after which polling goes on.
    on_error: ErrorCallback
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _last: Page[Post] = field(default_factory=lambda: Page(()))
    _seen: set[UUID] = field(default_factory=set)
    #: No post below this id is new: after a deletion older posts move up onto the page.
    _floor: UUID = _LOWEST

    async def posts(self) -> AsyncGenerator[Post, None]:
        """Yield new posts, oldest first, without end.

        Raises ClientError: at the first poll any, later only errors that will not pass.
        """
        await self.begin()
        async for post in self.news():
            yield post

    async def begin(self) -> None:
        """Count what is on the newest page as seen. Raises ClientError."""
        self._remember(await self.listing.page())

    async def news(self) -> AsyncGenerator[Post, None]:
        """Yield what is new since ``begin``, oldest first, without end. Raises errors that will not pass."""
        pause = self.interval
        while True:
            await self.sleep(pause)
            new, pause = await self._poll()
            for post in new:
                yield post

    async def catch_up(self) -> list[Post]:
        """Return what is new on the page, oldest first. Raises ClientError."""
        return await self._new_since_last(await self.listing.page())

    def note(self, post: Post) -> bool:
        """Count a post as seen that was not found by polling; return whether it is new."""
        if post.post_id in self._seen:
            return False
        self._seen.add(post.post_id)
        if len(self._seen) > MAX_SEEN:
            kept = sorted(self._seen)[-MAX_SEEN // 2 :]
            self._seen, self._floor = set(kept), max(self._floor, kept[0])
        return True

    async def _poll(self) -> tuple[list[Post], float]:
        """Return the new posts, oldest first, and the seconds until the next poll."""
        try:
            page = await self.listing.changed(self._last)
            if page is None:
                return [], self.interval
            if not page.whole:
                return [], max(self.interval, page.retry_after or 0.0)
            return await self._new_since_last(page), self.interval
        except (TooManyRequests, Unavailable, Unreachable) as exc:
            self.on_error(exc)
            asked = exc.problem.retry_after if isinstance(exc, ApiError) else None
            return [], max(self.interval, asked or 0.0)

    async def _new_since_last(self, page: Page[Post]) -> list[Post]:
        new = self._unseen(page)
        below = page
        while below.next and len(self._unseen(below)) == len(below.items):
            below = await self.listing.page(below.next)
            new |= self._unseen(below)
        self._remember(page)
        return [new[post_id] for post_id in sorted(new)]

    def _unseen(self, page: Page[Post]) -> dict[UUID, Post]:
        posts = {post.post_id: post for post in page.items}
        return {post_id: post for post_id, post in posts.items() if post_id > self._floor and post_id not in self._seen}

    def _remember(self, page: Page[Post]) -> None:
        """Mark the page's posts as seen; forget those that can no longer be on the newest page."""
        self._last = page
        if page.next and page.items:
            self._floor = max(self._floor, page.items[-1].post_id)
        self._seen = {post_id for post_id in self._seen if post_id >= self._floor}
        self._seen |= {post.post_id for post in page.items}
