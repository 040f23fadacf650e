"""Home timelines in Redis, and the states that a timeline can be in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

#: Raises if the caller has lost its lease: ``Lease.check``.
Check = Callable[[], None]


class TimelineState(Enum):
    """The state of a timeline; all but COLD and BUILDING are warm."""

    COLD = "cold"  # no key: the next read rebuilds it
    BUILDING = "building"  # a rebuild runs; entries may be missing
    PARTIAL = "partial"  # entries older than the tail exist in the post store
    COMPLETE = "complete"  # the list is the whole history


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """A part of a timeline: entries of 24 bytes, newest first, and the state of the list."""

    state: TimelineState
    entries: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Building:
    """A rebuild in progress: the token that identifies its builder, and the number of changes seen so far."""

    token: bytes
    changes: int


class TimelineStore(Protocol):
    """Home timelines. A list holds everything that its owner and followees wrote, down to its tail.

    A ``deadline`` is on this process' ``time.monotonic`` clock. The store converts it to Redis' own time, and Redis
    refuses the change after it (the method returns False), so that a process that was frozen cannot write late.
    A change whose caller got StoreUnavailable for lack of an answer is not made later either.
    """

    @property
    def kept(self) -> int:
        """The number of entries that a timeline keeps. Merges and rebuilds must bring as many, or all there are."""
        ...

    async def create(self, user: int, deadline: float | None = None) -> bool:
        """Create the empty, complete timeline of a new user. False: the deadline passed.

        An existing list belongs to an earlier user with this id, whom PostgreSQL has lost: it is removed, and the
        timeline stays cold.
        """
        ...

    async def push(
        self,
        users: Sequence[int],
        entry: bytes,
        deadline: float | None = None,
        low_priority: bool = False,
        check: Check | None = None,
    ) -> int:
        """Insert an entry into each warm timeline, in order, once; return how many timelines took it.

        ``low_priority``: let pushes of other entries go first, since thousands of timelines have this one already.
        ``check`` is called after each wait, right before the push is sent.
        Raises StoreUnavailable if the deadline has passed, and what ``check`` raises.
        """
        ...

    async def older(self, user: int, before: UUID | None, limit: int) -> TimelinePage:
        """Return up to ``limit`` entries older than ``before`` (None: from the head), and postpone the expiry."""
        ...

    async def newer(self, user: int, after: UUID, limit: int) -> TimelinePage:
        """Return the ``limit`` entries next above ``after``, newest first."""
        ...

    async def merge(self, user: int, entries: Sequence[bytes], deadline: float | None = None) -> bool:
        """Merge entries into a warm timeline (backfill). False only if the deadline passed."""
        ...

    async def purge(self, user: int, author: int, deadline: float | None = None) -> bool:
        """Remove an author's entries from a warm timeline (unfollow). False only if the deadline passed."""
        ...

    async def begin(self, user: int, takeover: bytes | None = None) -> Building | None:
        """Mark a cold timeline as building. None if it is warm or another builder has it.

        ``takeover``: the token of a builder that is presumed dead, which is replaced.
        """
        ...

    async def renew(self, user: int, building: Building) -> Building | None:
        """Replace the builder's token, as a sign of life. None if the mark is gone or has another token.

        The returned counter is the caller's: later changes count at ``finish``.
        """
        ...

    async def building(self, user: int) -> Building | None:
        """Return the rebuild in progress."""
        ...

    async def finish(self, user: int, building: Building, entries: Sequence[bytes], complete: bool) -> bool:
        """Merge the rebuilt entries and remove the mark; False if token or counter differ from ``building``."""
        ...

    async def remove(self, user: int) -> None:
        """Delete a timeline (of a deleted user)."""
        ...

    async def warm(self, users: Sequence[int]) -> Sequence[bool]:
        """Return for each user whether their timeline exists."""
        ...

    async def run_id(self) -> str:
        """Return the run id of Redis. After a change, the writes of its last moments may be lost."""
        ...
