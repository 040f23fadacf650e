"""Watches a timeline for new posts: by its stream, and by polling where the server has none.

The stream tells what arrives. At its ``reset`` it is not known what was missed, so the newest page is read and compared
with what was seen, as the poller does. A post that is on that page and is told as well is yielded once.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from microblog_streams.client.errors import ApiError, NotFound, TooManyRequests, Unavailable, Unreachable
from microblog_streams.client.live import LiveStream
from microblog_streams.client.models import Post
from microblog_streams.client.pages import TimelinePoller

#: Called when the page was read after a reset, with the number of posts that were new on it.
ResetCallback = Callable[[int], object]


def ignore_reset(new: int) -> None:
    """Do nothing: the default callback."""


@dataclass
class TimelineWatcher:
    """One timeline that is watched. ``poller`` and ``stream`` are of the same one."""

    poller: TimelinePoller
    stream: LiveStream
    on_reset: ResetCallback = ignore_reset

    async def posts(self) -> AsyncGenerator[Post, None]:
        """Yield new posts, oldest first, without end.

        Raises ClientError: at first any, later only errors that will not pass.
        """
        await self.poller.begin()
        try:
            async with aclosing(self._told()) as told:
                async for post in told:
                    yield post
        except NotFound:
            # A server of an earlier version; where the user is gone, the poll raises the error again.
            async with aclosing(self.poller.news()) as found:
                async for post in found:
                    yield post

    async def _told(self) -> AsyncGenerator[Post, None]:
        begun = False
        async with aclosing(self.stream.events()) as events:
            async for event in events:
                if event.kind == "reset":
                    new = await self._caught_up()
                    if begun:
                        self.on_reset(len(new))
                    for post in new:
                        yield post
                elif event.post is not None and self.poller.note(event.post):
                    yield event.post
                begun = True

    async def _caught_up(self) -> list[Post]:
        """Return what is new on the page, however long that takes."""
        while True:
            try:
                return await self.poller.catch_up()
            except (TooManyRequests, Unavailable, Unreachable) as exc:
                self.poller.on_error(exc)
                asked = exc.problem.retry_after if isinstance(exc, ApiError) else None
                await self.poller.sleep(max(self.poller.interval, asked or 0.0))
