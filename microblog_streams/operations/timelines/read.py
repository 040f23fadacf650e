"""Reads timelines: entries from the list in Redis, older ones from their source, so that scrolling never ends.

The source of a home timeline is a merge read, that of the public one the end of the log (``sources``). Without Redis
the whole page comes from there: slower, with the same result. Where a rebuild takes too long, the newest
page holds what was read so far and is marked incomplete. Other pages wait for the rebuild: a reader who scrolled on
from an incomplete page would never see what it lacked.
"""

from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from microblog_streams.domain.errors import StoreUnavailable, Unfinished
from microblog_streams.domain.ids import PUBLIC, entry_post_id
from microblog_streams.domain.models import PostView
from microblog_streams.operations.pages import Page, timeline_above, timeline_below
from microblog_streams.operations.posts import Hydration, Views
from microblog_streams.operations.timelines.rebuild import RebuildQueue
from microblog_streams.operations.timelines.sources import Source
from microblog_streams.operations.users import Users
from microblog_streams.ports import BlockStore, TimelinePage, TimelineState, TimelineStore

#: How a read without Redis is counted, beside those by the list's state.
AWAY: Final = "away"
_COLD_OR_BUILDING: Final = (TimelineState.COLD, TimelineState.BUILDING)


@dataclass(frozen=True)
class Timelines:
    """Timelines as their readers see them: a home timeline its owner, the public one everybody.

    ``user`` is the owner, or PUBLIC. ``reader`` is who is signed in and reads the public timeline, without the posts of
    those whom a block keeps from them.
    """

    store: TimelineStore
    users: Users
    hydration: Hydration
    blocks: BlockStore
    source: Source
    rebuilds: RebuildQueue
    #: Reads of lists, by the state in which the first look found them, or AWAY.
    reads: Counter[str] = field(default_factory=Counter)

    async def older(
        self, user: int, before: UUID | None, limit: int, reader: int | None = None
    ) -> Page[PostView, UUID]:
        """Return the newest ``limit`` posts older than ``before`` (or of all).

        Raises NotFound, StoreUnavailable, and Unfinished where no entry is there yet.
        """
        views = self._views(user, reader)
        try:
            return await self._older(user, before, limit, views)
        except Unfinished as exc:
            if before is not None:
                raise
            return await self._newest_there(user, limit, views, exc)

    async def close(self) -> None:
        """Cancel running rebuilds, and refuse new ones."""
        await self.rebuilds.close()

    def _views(self, user: int, reader: int | None) -> Views:
        """Return what makes posts of entries, as the reader may see them."""
        if user != PUBLIC:
            return lambda entries: self.hydration.views(entries, user)

        async def unblocked(entries: Sequence[bytes]) -> Sequence[PostView]:
            views = await self.hydration.views(entries, None)
            if reader is None or not views:
                return views
            blocked = await self.blocks.between(reader, {view.author for view in views})
            return [view for view in views if view.author not in blocked]

        return unblocked

    async def _older(self, user: int, before: UUID | None, limit: int, views: Views) -> Page[PostView, UUID]:
        async def read(position: UUID | None, count: int) -> list[bytes]:
            return await self._entries_below(user, position, count)

        return timeline_below(await self.hydration.page(read, before, limit, views), before)

    async def newer(self, user: int, after: UUID, limit: int, reader: int | None = None) -> Page[PostView, UUID]:
        """Return the ``limit`` posts next above ``after``, newest first.

        Raises NotFound, StoreUnavailable, Unfinished.
        """
        views = self._views(user, reader)
        shown: list[PostView] = []
        position = after
        while len(shown) < limit:
            entries = await self._entries_above(user, position, limit)
            shown = [*await views(entries), *shown]
            if len(entries) < limit:
                break
            position = entry_post_id(entries[0])
        return timeline_above(shown[-limit:], after)

    async def _newest_there(self, user: int, limit: int, views: Views, unfinished: Unfinished) -> Page[PostView, UUID]:
        """Return the newest entries that a rebuild has read or that were pushed since; raise ``unfinished`` if none."""
        pushed = await self._or_cold(self.store.older(user, None, limit))
        newest = sorted({*unfinished.entries, *pushed.entries}, reverse=True)[:limit]
        items = await views(newest)
        if not items:
            raise unfinished
        return Page(items, whole=False)

    async def _entries_below(self, user: int, before: UUID | None, count: int) -> list[bytes]:
        kept = await self._or_cold(self._kept_below(user, before, count))
        if kept.state is TimelineState.COLD:
            return await self.source.older(user, before, count)
        entries = list(kept.entries)
        if kept.state is TimelineState.PARTIAL and len(entries) < count:
            tail = entry_post_id(entries[-1]) if entries else before
            entries += await self.source.older(user, tail, count - len(entries))
        return entries

    async def _entries_above(self, user: int, after: UUID, count: int) -> list[bytes]:
        kept = await self._or_cold(self._kept_above(user, after, count))
        # Also cold where the list does not reach down to ``after``, or was removed in between.
        if kept.state in _COLD_OR_BUILDING:
            return await self.source.newer(user, after, count)
        return list(kept.entries)

    async def _kept_below(self, user: int, before: UUID | None, count: int) -> TimelinePage:
        """Read the list, after a rebuild where it is cold. Raises Unfinished."""
        kept = await self.store.older(user, before, count)
        self.reads[kept.state.value] += 1
        if kept.state in _COLD_OR_BUILDING and user != PUBLIC:
            await self.users.require(user)
        while kept.state in _COLD_OR_BUILDING:
            await self.rebuilds.warm(user)
            kept = await self.store.older(user, before, count)
        return kept

    async def _kept_above(self, user: int, after: UUID, count: int) -> TimelinePage:
        kept = await self.store.newer(user, after, count)
        if kept.state in _COLD_OR_BUILDING:
            await self._kept_below(user, after, 1)
            return await self.store.newer(user, after, count)
        self.reads[kept.state.value] += 1
        return kept

    async def _or_cold(self, read: Awaitable[TimelinePage]) -> TimelinePage:
        """Read a list; without Redis it counts as cold. Raises StoreUnavailable of the other stores, in a rebuild."""
        try:
            return await read
        except StoreUnavailable as exc:
            if exc.store != "redis":
                raise
            self.reads[AWAY] += 1
            return TimelinePage(TimelineState.COLD, ())
