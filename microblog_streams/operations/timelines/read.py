"""Reading home timelines: the kept list first, and the posts of the followees past its tail, so scrolling never ends.

Where Redis is away the page comes from the posts alone: slower, and as right. Where a cold timeline takes long to
rebuild, the newest page is what was read by then, and says that it is not whole; other pages have to wait for it,
because who scrolls on from a page with holes never comes back to them.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from microblog_streams.domain.errors import StoreUnavailable, Unfinished
from microblog_streams.domain.ids import entry_post_id
from microblog_streams.operations.pages import Page, PostView, timeline_above, timeline_below
from microblog_streams.operations.timelines.hydration import Hydration
from microblog_streams.operations.timelines.merge_read import History
from microblog_streams.operations.timelines.rebuild import RebuildQueue
from microblog_streams.operations.users import Users
from microblog_streams.ports import TimelinePage, TimelineState, TimelineStore

_NOT_WARM: Final = (TimelineState.COLD, TimelineState.BUILDING)


@dataclass(frozen=True)
class Timelines:
    """What the system does with home timelines, as their owners see them."""

    store: TimelineStore
    users: Users
    bodies: Hydration
    history: History
    rebuilds: RebuildQueue

    async def older(self, user: int, before: UUID | None, limit: int) -> Page[PostView, UUID]:
        """Return the newest ``limit`` posts older than ``before`` (or of all).

        Raises NotFound, StoreUnavailable, and Unfinished where there is nothing yet that could be shown.
        """
        try:
            return await self._older(user, before, limit)
        except Unfinished as exc:
            if before is not None:
                raise
            return await self._newest_there(user, limit, exc)

    async def close(self) -> None:
        """End the rebuilds that are under way; those that are asked for after it are refused."""
        await self.rebuilds.close()

    async def _older(self, user: int, before: UUID | None, limit: int) -> Page[PostView, UUID]:
        async def read(position: UUID | None, count: int) -> list[bytes]:
            return await self._entries_below(user, position, count)

        return timeline_below(await self.bodies.page(read, before, limit, user), before)

    async def newer(self, user: int, after: UUID, limit: int) -> Page[PostView, UUID]:
        """Return the ``limit`` posts next above ``after``, newest first.

        Raises NotFound, StoreUnavailable, Unfinished.
        """
        views: list[PostView] = []
        position = after
        while len(views) < limit:
            entries = await self._entries_above(user, position, limit)
            views = await self.bodies.views(entries, user) + views
            if len(entries) < limit:
                break
            position = entry_post_id(entries[0])
        return timeline_above(views[-limit:], after)

    async def _newest_there(self, user: int, limit: int, unfinished: Unfinished) -> Page[PostView, UUID]:
        """Return the newest of what a rebuild has read, and of what was pushed since it began; raise it for none."""
        pushed = await _or_cold(self.store.older(user, None, limit))
        newest = sorted({*unfinished.entries, *pushed.entries}, reverse=True)[:limit]
        items = await self.bodies.views(newest, user)
        if not items:
            raise unfinished
        return Page(items, whole=False)

    async def _entries_below(self, user: int, before: UUID | None, count: int) -> list[bytes]:
        kept = await _or_cold(self._kept_below(user, before, count))
        if kept.state is TimelineState.COLD:
            return await self.history.older(user, before, count)
        entries = list(kept.entries)
        if kept.state is TimelineState.PARTIAL and len(entries) < count:
            tail = entry_post_id(entries[-1]) if entries else before
            entries += await self.history.older(user, tail, count - len(entries))
        return entries

    async def _entries_above(self, user: int, after: UUID, count: int) -> list[bytes]:
        kept = await _or_cold(self._kept_above(user, after, count))
        # Cold also where the list does not reach down to there, or went while it was looked at.
        if kept.state in _NOT_WARM:
            return await self.history.newer(user, after, count)
        return list(kept.entries)

    async def _kept_below(self, user: int, before: UUID | None, count: int) -> TimelinePage:
        """Read the list, once it is warm. Raises Unfinished."""
        kept = await self.store.older(user, before, count)
        if kept.state in _NOT_WARM:
            await self.users.require(user)
        while kept.state in _NOT_WARM:
            await self.rebuilds.warm(user)
            kept = await self.store.older(user, before, count)
        return kept

    async def _kept_above(self, user: int, after: UUID, count: int) -> TimelinePage:
        kept = await self.store.newer(user, after, count)
        if kept.state in _NOT_WARM:
            await self._kept_below(user, after, 1)
            kept = await self.store.newer(user, after, count)
        return kept


async def _or_cold(read: Awaitable[TimelinePage]) -> TimelinePage:
    """Read a list; where Redis is away, it is as good as cold. Raises StoreUnavailable of the others, in a rebuild."""
    try:
        return await read
    except StoreUnavailable as exc:
        if exc.store != "redis":
            raise
        return TimelinePage(TimelineState.COLD, ())
