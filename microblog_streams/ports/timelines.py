"""Home timelines: what Redis promises of them, and the states that a timeline can be in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

#: Raises where the caller's hold on what it does is gone: ``Lease.check``.
Check = Callable[[], None]


class TimelineState(Enum):
    """What state a timeline is in."""

    COLD = "cold"  # no key: nothing is kept, the next read rebuilds it
    BUILDING = "building"  # a rebuild is under way; what is there may have holes
    PARTIAL = "partial"  # older entries than the tail exist in the post store
    COMPLETE = "complete"  # the list is the whole history


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Part of a timeline: entries of 24 bytes, newest first, and the state of the list they came from."""

    warmth: TimelineState
    entries: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Building:
    """A rebuild that was begun: the token that proves it is still ours, and the counter of changes seen so far."""

    token: bytes
    changes: int


class TimelineStore(Protocol):
    """Home timelines, in Redis. The list holds all that its owner and followees wrote, down to its tail.

    A ``deadline`` is on this process' ``time.monotonic`` clock; the store turns it into Redis' own time,
    and the change is not made after it (returns False): a process that was frozen must not write late.
    No change is made after its caller got StoreUnavailable because no answer came in time.
    """

    @property
    def kept(self) -> int:
        """Entries that a timeline keeps: who merges or rebuilds brings so many, or all there are."""
        ...

    async def create(self, user: int, deadline: float | None = None) -> bool:
        """Make the empty, complete timeline of a new user. False: deadline passed.

        A list that is there is another's, to whom the id belonged before PostgreSQL lost them: it is removed, and the
        timeline stays cold.
        """
        ...

    async def push(
        self,
        users: Sequence[int],
        entry: bytes,
        deadline: float | None = None,
        further: bool = False,
        check: Check | None = None,
    ) -> int:
        """Put one entry into each warm timeline, in its place, once. Returns how many timelines took it.

        ``further``: thousands have it already, and it keeps no younger entry waiting. ``check`` is called after each
        wait for others, right before the push is made, and raises where it must not be.
        Raises StoreUnavailable where the deadline had passed, and what ``check`` raises.
        """
        ...

    async def older(self, user: int, before: UUID | None, limit: int) -> TimelinePage:
        """Return up to ``limit`` entries older than ``before`` (or from the head) and note that it was read."""
        ...

    async def newer(self, user: int, after: UUID, limit: int) -> TimelinePage:
        """Return the ``limit`` entries next above ``after``, newest first."""
        ...

    async def merge(self, user: int, entries: Sequence[bytes], deadline: float | None = None) -> bool:
        """Merge entries (backfill of a follow) into a warm timeline. False only where the deadline had passed."""
        ...

    async def purge(self, user: int, author: int, deadline: float | None = None) -> bool:
        """Remove an author's entries (unfollow) from a warm timeline. False only where the deadline had passed."""
        ...

    async def begin(self, user: int, takeover: bytes | None = None) -> Building | None:
        """Mark a cold timeline as building. None where it is warm or another builds it.

        ``takeover`` is the token of a builder that is thought dead: it is replaced by a new one.
        """
        ...

    async def renew(self, user: int, building: Building) -> Building | None:
        """Show that the builder lives: replace its token, and nothing else. None where the mark is gone or another's.

        The counter stays the one that the builder knows: what changed since counts at ``finish``.
        """
        ...

    async def building(self, user: int) -> Building | None:
        """Return the rebuild that is under way, None where none is."""
        ...

    async def finish(self, user: int, building: Building, entries: Sequence[bytes], complete: bool) -> bool:
        """Merge what was rebuilt and lift the mark; False where token or counter are not those of ``building``."""
        ...

    async def remove(self, user: int) -> None:
        """Forget a timeline (a deleted user's)."""
        ...

    async def warm(self, users: Sequence[int]) -> Sequence[bool]:
        """Tell which timelines exist."""
        ...

    async def run_id(self) -> str:
        """Return the id of the Redis process' run: another one means that its last moments may be lost."""
        ...
