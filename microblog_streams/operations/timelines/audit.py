"""Comparing somebody's kept timeline with the truth: what PostgreSQL and Cassandra say that it must hold.

One look proves nothing, because events are on their way all the time: a post that was just written is missing, and one
whose author was just unfollowed is a stray. What a look finds is wrong only if it is still found after all that was on
its way at that moment has been brought about.
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
from microblog_streams.operations.timelines.merge_read import History
from microblog_streams.ports import TimelinePage, TimelineState, TimelineStore, UserStore

#: Above every entry: reading from the head would count as reading by the owner, and keep the timeline from expiring.
_ABOVE_ALL: Final = UUID(int=2**128 - 1)
#: More entries than any list has.
_WHOLE: Final = 1_000_000
#: Posts that are looked for beyond as many as the list has: how many can be found missing at most, at least.
_MARGIN: Final = 100


class Kind(StrEnum):
    """What can be wrong with a timeline."""

    MISSING = "missing"  # a post of the owner or a followee, above the tail, is not there
    STRAY = "stray"  # its author is neither the owner nor a followee
    DOUBLED = "doubled"  # it is there more than once
    MISPLACED = "misplaced"  # an older one is above it
    UNINDEXED = "unindexed"  # it is there, and the author's index does not know it: a rebuild would lose it


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong, with the ids by which to find out why."""

    kind: Kind
    post_id: UUID
    author: int


Findings = frozenset[Finding]
NOTHING: Final[Findings] = frozenset()
#: Returns when all that was on its way when it was called has been brought about.
WaitUntilCaughtUp = Callable[[], Awaitable[None]]


def counted(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many findings there are of each kind."""
    counts = Counter(finding.kind for finding in findings)
    return {kind.value: counts[kind] for kind in Kind}


@dataclass(frozen=True)
class Audit:
    """Looks at timelines; does not count as reading them."""

    timelines: TimelineStore
    history: History
    users: UserStore
    rows: PostRows

    async def look(self, user: int) -> Findings | None:
        """Return what is not as it must be at this moment; None where no list is kept. Raises StoreUnavailable."""
        kept = await self.timelines.older(user, _ABOVE_ALL, _WHOLE)
        if kept.state in (TimelineState.COLD, TimelineState.BUILDING):
            return None
        truth, authors = await asyncio.gather(
            self.history.older(user, None, len(kept.entries) + _MARGIN), self.history.authors(user)
        )
        unknown = set(kept.entries) - set(truth)
        strays, unindexed = await asyncio.gather(self._strays(unknown, authors), self._unindexed(unknown, authors))
        found = {
            Kind.MISSING: _missing(kept, truth),
            Kind.STRAY: strays,
            Kind.UNINDEXED: unindexed,
            Kind.DOUBLED: _doubled(kept.entries),
            Kind.MISPLACED: _misplaced(kept.entries),
        }
        return frozenset(
            Finding(kind, entry_post_id(entry), entry_author(entry)) for kind in found for entry in found[kind]
        )

    async def confirmed(self, user: int, findings: Findings, wait_until_caught_up: WaitUntilCaughtUp) -> Findings:
        """Return those of a look's findings that are still there when nothing of that moment is under way any more.

        Looked at twice more: who is unfollowed and followed again in between has their posts on the way once more.
        """
        for _ in range(2):
            if findings:
                await wait_until_caught_up()
                findings &= await self.look(user) or NOTHING
        return findings

    async def mend(self, user: int, findings: Findings) -> None:
        """Write the index rows that are missing, then make the timeline cold: its next read rebuilds it."""
        unindexed = {each for each in findings if each.kind is Kind.UNINDEXED}
        await self.rows.mend([RowFinding(RowKind.UNINDEXED, each.post_id, each.author) for each in unindexed])
        await self.timelines.remove(user)

    async def _strays(self, unknown: Iterable[bytes], authors: Collection[int]) -> set[bytes]:
        """Return entries of others. Those of deleted people stay in the lists, and drop out when they are read."""
        strange = {entry for entry in unknown if entry_author(entry) not in authors}
        alive = await self.users.get_many({entry_author(entry) for entry in strange}) if strange else {}
        return {entry for entry in strange if entry_author(entry) in alive}

    async def _unindexed(self, unknown: Iterable[bytes], authors: Collection[int]) -> set[bytes]:
        """Return entries whose text is there without a row in the index. The others are deleted posts, by far most."""
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
