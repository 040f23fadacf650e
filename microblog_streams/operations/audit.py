"""Audits: compare the two rows of a post with each other and a timeline in Redis with the truth, and repair them.

``PostRows`` compares a post's body with its row in the author index. Both go out in one unlogged batch, which is not
atomic. The post's event repeats the write until it is confirmed, so a difference lasts only where a guarantee failed.
Without the index row no rebuild, backfill or author page shows the post. With the deletion flag in the index alone, the
text can still be read by its id. Without the body every page with the post is refused: there are such posts after a
restore of Cassandra whose backup copied one table before the other.

``Audit`` compares a timeline with a merge read of PostgreSQL and Cassandra. One comparison proves nothing, because
events are always in flight: a new post is missing for a moment, and a post of an author who was just unfollowed is
still there. A finding counts only if it is still there after all events that were in flight at the time have been
applied.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final
from uuid import UUID

from microblog_streams.domain.ids import encode_entry, entry_author, entry_post_id
from microblog_streams.domain.models import Post
from microblog_streams.operations.timelines.merge_read import MergeRead
from microblog_streams.ports import PostCache, PostStore, TimelinePage, TimelineState, TimelineStore, UserStore

#: Posts compared or written concurrently.
CHUNK_POSTS: Final = 100


class RowKind(StrEnum):
    """How the rows of a post can differ."""

    UNINDEXED = "unindexed"  # the text is there, the author's index has no row of it
    UNEMPTIED = "unemptied"  # the index says that it is deleted, the text is there
    TEXTLESS = "textless"  # the author's index has a row of it, there is no text


@dataclass(frozen=True, slots=True, order=True)
class RowFinding:
    """One post whose rows do not agree."""

    kind: RowKind
    post_id: UUID
    author: int


@dataclass(frozen=True)
class PostRows:
    """Compares and repairs the rows of posts."""

    posts: PostStore
    cache: PostCache

    async def compare(self, posts: Iterable[Post]) -> set[RowFinding]:
        """Return the findings among the posts that are not deleted, with one index read per author."""
        by_author: dict[int, list[UUID]] = defaultdict(list)
        for post in posts:
            if not post.deleted:
                by_author[post.author].append(post.id)
        found = await asyncio.gather(*(self._compare(author, ids) for author, ids in by_author.items()))
        return {finding for findings in found for finding in findings}

    async def textless(self, author: int) -> set[RowFinding]:
        """Return the author's posts with an index row and no body. Reads all of the author's bodies."""
        found: set[RowFinding] = set()
        last = None
        while ids := await self.posts.newest(author, last, CHUNK_POSTS):
            posts = await self.posts.get_many(ids)
            found |= {RowFinding(RowKind.TEXTLESS, post_id, author) for post_id in ids if post_id not in posts}
            last = ids[-1]
        return found

    async def compare_again(self, findings: Collection[RowFinding]) -> set[RowFinding]:
        """Return the findings that are still there."""
        still: set[RowFinding] = set()
        for part in _parts(findings):
            posts = await self.posts.get_many([each.post_id for each in part])
            still |= await self.compare(posts.values()) & set(part)
            still |= {each for each in part if each.kind is RowKind.TEXTLESS and each.post_id not in posts}
        return still

    async def unindexed(self, author: int, ids: Sequence[UUID]) -> set[UUID]:
        """Return the author's posts with a body and no index row. Reads a body only where the index row is missing."""
        known = await self.posts.indexed(author, ids)
        posts = await self.posts.get_many([post_id for post_id in ids if post_id not in known])
        return {post.id for post in posts.values() if not post.deleted}

    async def repair(self, findings: Collection[RowFinding]) -> None:
        """Write both rows again: a body without index row as a post, a flagged one as a deletion.

        A post without a body is written with its text from the cache, and as a deletion where that has none.
        """
        for part in _parts(findings):
            posts = await self.posts.get_many([each.post_id for each in part])
            await asyncio.gather(*(self._write(each, posts.get(each.post_id)) for each in part))

    async def _write(self, finding: RowFinding, post: Post | None) -> None:
        lost = False
        if post is None and finding.kind is RowKind.TEXTLESS:
            post = (await self.cache.get_many([finding.post_id])).get(finding.post_id)
            lost = post is None
        if lost or finding.kind is RowKind.UNEMPTIED or (post and post.deleted):
            await self.cache.delete(finding.post_id, finding.author)
            await self.posts.delete(finding.post_id, finding.author)
        elif post:
            await self.posts.put(post)

    async def _compare(self, author: int, ids: Sequence[UUID]) -> list[RowFinding]:
        known = await self.posts.indexed(author, ids)
        return [
            RowFinding(RowKind.UNEMPTIED if post_id in known else RowKind.UNINDEXED, post_id, author)
            for post_id in ids
            if known.get(post_id, True)
        ]


def _parts(findings: Collection[RowFinding]) -> list[list[RowFinding]]:
    every = sorted(findings)
    return [every[start : start + CHUNK_POSTS] for start in range(0, len(every), CHUNK_POSTS)]


#: Above every entry: reading from the head would count as reading by the owner, and keep the timeline from expiring.
_ABOVE_ALL: Final = UUID(int=2**128 - 1)
#: More entries than any list has.
_ALL_ENTRIES: Final = 1_000_000
#: Posts read beyond the length of the list: at least so many missing ones are found.
_EXTRA_POSTS: Final = 100


class FindingKind(StrEnum):
    """What can be wrong with a timeline."""

    MISSING = "missing"  # a post of the owner or a followee, above the tail, is not there
    STRAY = "stray"  # its author is neither the owner nor a followee
    DOUBLED = "doubled"  # it is there more than once
    MISPLACED = "misplaced"  # an older one is above it
    UNINDEXED = "unindexed"  # it is there, and the author's index does not know it: a rebuild would lose it


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One wrong entry, with the ids that lead to its cause."""

    kind: FindingKind
    post_id: UUID
    author: int


Findings = frozenset[Finding]
NOTHING: Final[Findings] = frozenset()
#: Returns when all events that were in flight at the call have been applied.
WaitUntilCaughtUp = Callable[[], Awaitable[None]]


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """Return the number of findings of each kind."""
    counts = Counter(finding.kind for finding in findings)
    return {kind.value: counts[kind] for kind in FindingKind}


@dataclass(frozen=True)
class Audit:
    """Compares timelines. It does not count as reading them, so it does not delay their expiry."""

    timelines: TimelineStore
    merge_read: MergeRead
    users: UserStore
    rows: PostRows

    async def compare(self, user: int) -> Findings | None:
        """Return what differs at this moment; None where no list is kept. Raises StoreUnavailable."""
        kept = await self.timelines.older(user, _ABOVE_ALL, _ALL_ENTRIES)
        if kept.state in (TimelineState.COLD, TimelineState.BUILDING):
            return None
        truth, authors = await asyncio.gather(
            self.merge_read.older(user, None, len(kept.entries) + _EXTRA_POSTS), self.merge_read.authors(user)
        )
        unknown = set(kept.entries) - set(truth)
        strays, unindexed = await asyncio.gather(self._strays(unknown, authors), self._unindexed(unknown, authors))
        found = {
            FindingKind.MISSING: _missing(kept, truth),
            FindingKind.STRAY: strays,
            FindingKind.UNINDEXED: unindexed,
            FindingKind.DOUBLED: _doubled(kept.entries),
            FindingKind.MISPLACED: _misplaced(kept.entries),
        }
        return frozenset(
            Finding(kind, entry_post_id(entry), entry_author(entry)) for kind in found for entry in found[kind]
        )

    async def confirmed(self, user: int, findings: Findings, wait_until_caught_up: WaitUntilCaughtUp) -> Findings:
        """Return the findings that are still there after all events in flight were applied.

        Compared twice more, because an unfollow and a new follow in between put the posts in flight once more.
        """
        for _ in range(2):
            if findings:
                await wait_until_caught_up()
                findings &= await self.compare(user) or NOTHING
        return findings

    async def repair(self, user: int, findings: Findings) -> None:
        """Write the index rows that are missing, then make the timeline cold: its next read rebuilds it."""
        unindexed = {each for each in findings if each.kind is FindingKind.UNINDEXED}
        await self.rows.repair([RowFinding(RowKind.UNINDEXED, each.post_id, each.author) for each in unindexed])
        await self.timelines.remove(user)

    async def _strays(self, unknown: Iterable[bytes], authors: Collection[int]) -> set[bytes]:
        """Return entries of other authors. Entries of deleted users stay in the lists and are dropped on reading."""
        strange = {entry for entry in unknown if entry_author(entry) not in authors}
        alive = await self.users.get_many({entry_author(entry) for entry in strange}) if strange else {}
        return {entry for entry in strange if entry_author(entry) in alive}

    async def _unindexed(self, unknown: Iterable[bytes], authors: Collection[int]) -> set[bytes]:
        """Return entries whose post has a body and no row in the author index. Most unknown ones are deleted posts."""
        by_author: dict[int, list[UUID]] = defaultdict(list)
        for entry in unknown:
            if (author := entry_author(entry)) in authors:
                by_author[author].append(entry_post_id(entry))
        found = await asyncio.gather(*(self.rows.unindexed(author, ids) for author, ids in by_author.items()))
        return {encode_entry(post_id, author) for author, ids in zip(by_author, found, strict=True) for post_id in ids}


def _missing(kept: TimelinePage, truth: Iterable[bytes]) -> set[bytes]:
    tail = kept.entries[-1] if kept.state is TimelineState.PARTIAL else b""
    return {entry for entry in truth if entry >= tail} - set(kept.entries)


def _doubled(entries: Sequence[bytes]) -> set[bytes]:
    return {entry for entry, times in Counter(entries).items() if times > 1}


def _misplaced(entries: Sequence[bytes]) -> set[bytes]:
    return {below for above, below in pairwise(dict.fromkeys(entries)) if below > above}
