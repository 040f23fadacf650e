"""Watching a timeline by asking again and again, as cheaply as the API allows.

The newest page's ETag is sent along, so a look that finds nothing new is a 304. A page that changed is compared with
what was known, because a post can arrive late, below others that were seen already: asking only for what is above the
newest one (``rel="prev"``) would miss it. Where nothing on the page is known, more was written than fits on one, and
the pages below it are read down to what is.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from microblog_streams.client.errors import ApiError, TooManyRequests, Trouble, Unavailable, Unreachable
from microblog_streams.client.models import Post
from microblog_streams.client.pages import Listing, Page

#: Seconds between two looks.
EVERY: Final = 5.0
#: Posts that are looked at.
PAGE: Final = 20
_LOWEST: Final = UUID(int=0)


@dataclass
class Watch:
    """One watch. What is there when it begins is known."""

    listing: Listing[Post]
    every: float
    trouble: Trouble
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _last: Page[Post] = field(default_factory=lambda: Page(()))
    _known: set[UUID] = field(default_factory=set)
    #: Nothing below it is new: after a deletion, what was further down fills the page up.
    _floor: UUID = _LOWEST

    async def posts(self) -> AsyncGenerator[Post, None]:
        """Yield new posts, oldest first, without end. Raises ClientError, once it began only what will not pass."""
        self._keep(await self.listing.page())
        pause = self.every
        while True:
            await self.sleep(pause)
            news, pause = await self._look()
            for post in news:
                yield post

    async def _look(self) -> tuple[list[Post], float]:
        """Return what is new, oldest first, and the seconds until the next look."""
        try:
            page = await self.listing.changed(self._last)
            if page is None:
                return [], self.every
            if not page.whole:
                return [], max(self.every, page.retry_after or 0.0)
            return await self._news(page), self.every
        except (TooManyRequests, Unavailable, Unreachable) as exc:
            self.trouble(exc)
            asked = exc.problem.retry_after if isinstance(exc, ApiError) else None
            return [], max(self.every, asked or 0.0)

    async def _news(self, page: Page[Post]) -> list[Post]:
        news = self._new(page)
        below = page
        while below.next and len(self._new(below)) == len(below.items):
            below = await self.listing.page(below.next)
            news |= self._new(below)
        self._keep(page)
        return [news[post] for post in sorted(news)]

    def _new(self, page: Page[Post]) -> dict[UUID, Post]:
        ids = {post.post_id: post for post in page.items}
        return {ident: post for ident, post in ids.items() if ident > self._floor and ident not in self._known}

    def _keep(self, page: Page[Post]) -> None:
        """Take the page for known, and forget what can be on no newest page any more."""
        self._last = page
        if page.next and page.items:
            self._floor = max(self._floor, page.items[-1].post_id)
        self._known = {ident for ident in self._known if ident >= self._floor}
        self._known |= {post.post_id for post in page.items}
