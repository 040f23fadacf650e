"""What happens to timelines while they are followed live: a log for each, and the signal that there is more in it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import NamedTuple, Protocol


class Change(Enum):
    """What happened to a timeline."""

    #: An entry was pushed.
    POST = "p"
    #: A post was deleted, which may be on the timeline.
    DELETE = "d"
    #: The list was changed otherwise: read it again.
    RESET = "r"
    #: A token of the owner's was revoked, or all were: streams look up whether theirs is still valid.
    ACCESS = "a"


class Arrival(NamedTuple):
    """One entry of a log. ``position`` gives the order, and is the id of the event."""

    position: str
    change: Change
    #: The entry of the timeline, or the id of the deleted post.
    value: bytes = b""


class LiveLog(Protocol):
    """The logs of timelines that are followed. All methods raise StoreUnavailable."""

    async def listen(self, users: Sequence[int]) -> Sequence[str]:
        """Have the timelines logged for the length of a lease; return the newest position in the log of each.

        A log lacks nothing that happened since a position in it: where it would, it is begun anew.
        """
        ...

    async def since(self, user: int, position: str, limit: int) -> Sequence[Arrival] | None:
        """Return what happened after a position, in order; None where the log does not have the position any more."""
        ...

    async def any(self) -> bool:
        """Return whether any timeline is followed."""
        ...

    async def announce(self, users: Sequence[int], change: Change, value: bytes = b"") -> int:
        """Log a change for those of the users whose timelines are followed; return their number."""
        ...

    async def reset_all(self) -> int:
        """Log a RESET for every timeline that is followed; return their number."""
        ...

    def wakes(self) -> AbstractAsyncContextManager[AsyncIterator[Sequence[int]]]:
        """Open a subscription: it yields the users of whose logs there is more.

        An empty sequence says that some log may lack an entry.
        """
        ...
