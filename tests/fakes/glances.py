"""Glances in memory: the page is worked out from the fakes of timelines and caches, in what counts as one call."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from microblog_streams.errors import StoreUnavailable
from microblog_streams.ids import entry_post_id
from microblog_streams.stores.interfaces import Glimpse, Warmth
from tests.fakes.caches import FakePostCache, FakeUserCache
from tests.fakes.timelines import FakeTimelines, Kept


class FakeGlances:
    """The GlanceStore in memory, beside the fakes that it sees. Down where they are."""

    def __init__(self, timelines: FakeTimelines, posts: FakePostCache, users: FakeUserCache) -> None:
        self.timelines, self.posts, self.users = timelines, posts, users

    async def older(self, user: int, before: UUID | None, count: int) -> Sequence[Glimpse] | None:
        if (kept := self._list(user)) is None:
            return None
        below = [entry for entry in kept.entries if before is None or entry_post_id(entry) < before]
        return self._shown(below, count, whole=kept.warmth is Warmth.COMPLETE)

    async def newer(self, user: int, after: UUID, count: int) -> Sequence[Glimpse] | None:
        kept = self._list(user)
        if kept is None or (kept.warmth is Warmth.PARTIAL and after < entry_post_id(kept.entries[-1])):
            return None
        above = [entry for entry in reversed(kept.entries) if entry_post_id(entry) > after]
        shown = self._shown(above, count, whole=True)
        return None if shown is None else shown[::-1]

    def _list(self, user: int) -> Kept | None:
        if self.timelines.down:
            raise StoreUnavailable("redis", "switched off by the test")
        kept = self.timelines.lists.get(user)
        known = kept is not None and kept.warmth is not Warmth.BUILDING and self.users.kept.get(user) is not None
        return kept if known else None

    def _shown(self, entries: Iterable[bytes], count: int, *, whole: bool) -> list[Glimpse] | None:
        shown: list[Glimpse] = []
        for post_id in map(entry_post_id, entries):
            if (post := self.posts.kept.get(post_id)) is None:
                return None
            if post.deleted:
                continue
            if post.author not in self.users.kept:
                return None
            if (author := self.users.kept[post.author]) is not None:
                shown.append(Glimpse(post_id, author.id, author.username))
            if len(shown) == count:
                return shown
        return shown if whole else None
