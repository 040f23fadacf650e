"""Searches as readers see them: the index names posts and users, and the stores say what may still be shown.

Deleted posts, posts of deleted users and everyone whom a block keeps from the reader are left out here, so that nothing
shows that the index does not know to be gone yet; the page is filled up.

Newest posts go on below the last one, however many are written meanwhile. Scores change with each new post, so the best
posts are ranked once: the cursor of a page holds those that are left of the first ``BEST``.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic
from typing import Final
from uuid import UUID

from microblog_streams.domain.errors import SearchOff, StoreUnavailable
from microblog_streams.domain.models import PostView, User
from microblog_streams.operations.pages import Page
from microblog_streams.operations.posts import Hydration, view
from microblog_streams.operations.users import Users
from microblog_streams.ports import BlockStore, UserStore
from microblog_streams.search.highlights import Span, highlights
from microblog_streams.search.index import PostFilter, SearchIndex, TagUse
from microblog_streams.search.query import Query, parse, parse_name

#: Results of the best posts, and of users: those behind them are not shown.
BEST: Final = 100
#: Requests to the index for one page: an author's deletion can leave thousands of results that are not shown.
_READS: Final = 10
#: Half-life of a hashtag's use, and the time that counts at all.
_HALF_LIFE = timedelta(hours=3)
_PERIODS: Final = 8
#: Hashtags of each period that are compared.
_TAGS_PER_PERIOD: Final = 200
#: Hashtags that are ranked, and seconds for which the ranks are kept: eight aggregations make them.
_TRENDS: Final = 100
TRENDS_SECONDS: Final = 60.0
#: Seconds in which a page has to be full, whatever must be left out of it.
PAGE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class FoundPost:
    """A post, and where it matches."""

    post: PostView
    highlights: Sequence[Span]

    @property
    def id(self) -> UUID:
        """The post's id."""
        return self.post.id


@dataclass(frozen=True, slots=True)
class Trend:
    """A hashtag that is used now."""

    tag: str
    #: Distinct authors in the last three hours and half of those in each three hours before, and so on.
    score: float
    posts: int


class Search:
    """Finds posts, users and hashtags. All methods raise SearchOff, Invalid (``q``) and StoreUnavailable."""

    def __init__(
        self, index: SearchIndex | None, users: Users, names: UserStore, blocks: BlockStore, hydration: Hydration
    ) -> None:
        """``index`` is None where the deployment has no search engine."""
        self._index = index
        self._users = users
        self._names = names
        self._blocks = blocks
        self._hydration = hydration
        self._trends: tuple[float, Sequence[Trend]] = (-inf, ())
        self._ranking = asyncio.Lock()

    @property
    def index(self) -> SearchIndex:
        """The index. Raises SearchOff without one."""
        if self._index is None:
            raise SearchOff
        return self._index

    async def newest(self, text: str, before: UUID | None, limit: int, reader: int | None) -> Page[FoundPost, UUID]:
        """Return posts below ``before``, newest first. ``reader``: who is signed in."""
        index, query = self.index, parse(text)
        try:
            async with asyncio.timeout(PAGE_SECONDS):
                wanted = await self._filter(query)
                return await self._newest(index, wanted, before, limit, reader) if wanted else Page(())
        except TimeoutError:
            raise StoreUnavailable("search", f"no page within {PAGE_SECONDS:g} s") from None

    async def _newest(
        self, index: SearchIndex, wanted: PostFilter, before: UUID | None, limit: int, reader: int | None
    ) -> Page[FoundPost, UUID]:
        found: list[FoundPost] = []
        position, more = before, True
        for _ in range(_READS):
            ids = await index.newest(wanted, position, limit + 1)
            found += await self._shown(wanted.query, ids, reader)
            more = len(ids) > limit
            position = ids[-1] if ids else position
            if not more or len(found) > limit:
                break
        items = found[:limit]
        if len(found) > limit:
            return Page(items, next=items[-1].id)
        return Page(items, next=position if more else None)

    async def best(
        self, text: str, rest: Sequence[UUID] | None, limit: int, reader: int | None
    ) -> Page[FoundPost, tuple[UUID, ...]]:
        """Return the posts that match best; ``rest`` are those that the page before has left (None: the first page)."""
        index, query = self.index, parse(text)
        if rest is None:
            wanted = await self._filter(query)
            rest = await index.best(wanted, BEST) if wanted else ()
        found = await self._shown(query, rest, reader)
        left = tuple(each.id for each in found[limit:])
        return Page(found[:limit], next=left or None)

    async def users(
        self, text: str, rest: Sequence[int] | None, limit: int, reader: int | None
    ) -> Page[User, tuple[int, ...]]:
        """Return users of this name, then of names that begin so, then of similar ones."""
        index, wanted = self.index, parse_name(text)
        ids = await index.users(wanted, BEST) if rest is None else rest
        there = await self._visible(ids, reader)
        found = [there[user] for user in ids if user in there]
        left = tuple(user.id for user in found[limit:])
        return Page(found[:limit], next=left or None)

    async def trends(self, limit: int) -> Sequence[Trend]:
        """Return the hashtags of the last day by their authors; older use counts less. Up to TRENDS_SECONDS old."""
        async with self._ranking:
            ranked_at, ranked = self._trends
            if monotonic() - ranked_at > TRENDS_SECONDS:
                ranked = await self._ranked()
                self._trends = (monotonic(), ranked)
        return ranked[:limit]

    async def _ranked(self) -> Sequence[Trend]:
        now = datetime.now(UTC)
        scores: dict[str, Trend] = {}
        for age in range(_PERIODS):
            until = now - age * _HALF_LIFE
            for use in await self.index.tags(until - _HALF_LIFE, until, _TAGS_PER_PERIOD):
                scores[use.tag] = _added(scores.get(use.tag), use, age)
        return sorted(scores.values(), key=lambda trend: (-trend.score, trend.tag))[:_TRENDS]

    async def _filter(self, query: Query) -> PostFilter | None:
        """Return the query with its authors; None where a post would need an author who is not there."""
        required = {await self._user(name) for name in query.required.authors}
        if None in required or len(required) > 1:
            return None
        excluded = [await self._user(name) for name in query.excluded.authors]
        author = next(iter(required), None)
        return PostFilter(query, author, tuple(user for user in excluded if user is not None))

    async def _user(self, name_key: str) -> int | None:
        user = await self._names.named(name_key)
        return None if user is None else user.id

    async def _shown(self, query: Query, ids: Sequence[UUID], reader: int | None) -> list[FoundPost]:
        posts = await self._hydration.find(ids) if ids else {}
        there = [posts[ident] for ident in ids if ident in posts and not posts[ident].deleted]
        authors = await self._visible({post.author for post in there}, reader)
        views = [view(post, authors[post.author]) for post in there if post.author in authors]
        return [FoundPost(each, highlights(query, each.content)) for each in views]

    async def _visible(self, ids: Collection[int], reader: int | None) -> Mapping[int, User]:
        """Return the users who exist and may be shown to the reader."""
        if not ids:
            return {}
        found = await self._users.find(list(ids))
        hidden = await self._blocks.between(reader, list(found)) if reader is not None and found else frozenset()
        return {user: one for user, one in found.items() if user not in hidden}


def _added(trend: Trend | None, use: TagUse, age: int) -> Trend:
    before = trend or Trend(use.tag, 0.0, 0)
    return replace(before, score=before.score + use.authors / 2**age, posts=before.posts + use.posts)
