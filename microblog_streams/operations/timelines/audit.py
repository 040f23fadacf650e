"""Compares a timeline kept in Redis with the truth, a merge read of PostgreSQL and Cassandra.

One comparison proves nothing, because events are always in flight: a new post is missing for a moment, and a post of an
author who was just unfollowed is still there. A finding counts only if it is still there after all events that were in
flight at the time have been applied.
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
from microblog_streams.operations.post_rows import PostRows, RowFinding, RowKind
from microblog_streams.operations.timelines.merge_read import MergeRead
from microblog_streams.ports import TimelinePage, TimelineState, TimelineStore, UserStore

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
