"""Watches a timeline by polling its newest page.

The page's ETag is sent along, so a poll that finds nothing new costs a 304. A changed page is compared with the posts
already seen, because a post can arrive late, below newer ones: following ``rel="prev"`` from the newest seen post would
miss it. If no post of the page was seen before, more were written than fit on a page, and the pages below are read too,
down to the first one with a post that was seen.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from microblog_streams.client.errors import ApiError, ErrorCallback, TooManyRequests, Unavailable, Unreachable
from microblog_streams.client.models import Post
from microblog_streams.client.pages import Listing, Page

#: Pause between two polls.
POLL_SECONDS: Final = 5.0
#: Posts on the page that is polled.
POLL_PAGE_SIZE: Final = 20
_LOWEST: Final = UUID(int=0)


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
        self._remember(await self.listing.page())
        pause = self.interval
        while True:
            await self.sleep(pause)
            new, pause = await self._poll()
            for post in new:
                yield post

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
