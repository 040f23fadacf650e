"""What each store promises, as protocols. The real stores and the in-memory fakes pass the same contract tests.

Every method may raise ``StoreUnavailable``; other errors are named. Pages go by position (``after``, ``before``:
the last id of the page before, exclusive), because positions stay right while rows come and go.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from microblog_streams.records import Edge, OutboxRecord, Post, User


class Connection(Protocol):
    """A connection to one store's server, shared by the stores that live there."""

    name: str

    async def connect(self) -> None:
        """Connect once. StoreUnavailable: try again later. SetupError: it never will (wrong password, too old)."""
        ...

    async def ping(self) -> None:
        """Ask the server for an answer, within the store's time-out."""
        ...

    async def close(self) -> None:
        """Give everything back; calls after this raise StoreUnavailable."""
        ...


class UserStore(Protocol):
    """Users, in PostgreSQL."""

    async def create(self, username: str, name_key: str) -> User:
        """Register; ``name_key`` is what must be unique. Raises UsernameTaken, also when two register at once."""
        ...

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User]:
        """Return those of the users that exist and are not deleted."""
        ...

    async def page(self, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` users with id > ``after``, by id."""
        ...

    async def delete(self, user: int, at: datetime) -> bool:
        """Delete, in one transaction with its events: ``user.unfollow`` for each outgoing edge, then ``user.deleted``.

        Locks the user FOR UPDATE. False where there was nothing to delete.
        """
        ...


class FollowStore(Protocol):
    """Who follows whom, in PostgreSQL: the truth that every follower table and timeline is derived from."""

    async def set(self, follower: int, followee: int, following: bool, at: datetime) -> Edge:
        """Follow or unfollow, in one transaction with its event; no change and no event where it is so already.

        Takes FOR SHARE on both users when following; raises NotFound for one that is not there.
        Unfollowing somebody never followed leaves no row and answers an edge of version 0.
        """
        ...

    async def followees(self, follower: int) -> Sequence[int]:
        """Return everyone whom ``follower`` follows, by id (deleted users left out)."""
        ...

    async def followees_page(self, follower: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followees with id > ``after``, by id."""
        ...

    async def followers_page(self, followee: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followers with id > ``after``, by id."""
        ...

    async def edges_page(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        """Return up to ``limit`` edges, also unfollowed ones, with (followee, follower) > ``after``, in that order."""
        ...


class Outbox(Protocol):
    """Events that were committed with their change and wait to be published."""

    async def head(self, limit: int) -> Sequence[OutboxRecord]:
        """Return the oldest records, by id."""
        ...

    async def remove(self, ids: Collection[int]) -> None:
        """Delete records that the broker has confirmed."""
        ...


class IdempotencyStore(Protocol):
    """Idempotency-Key headers already seen, in PostgreSQL."""

    async def claim(self, author: int, key: str, digest: bytes, post_id: UUID) -> UUID:
        """Tie ``key`` of ``author`` to ``post_id`` and return it; the earlier id where the key was seen before.

        Raises KeyReused where the earlier request had another digest.
        """
        ...


class PostStore(Protocol):
    """Posts, in Cassandra. All writes are idempotent and carry the id's time, so their order does not matter."""

    async def put(self, post: Post) -> None:
        """Write a post; never brings back a deleted one."""
        ...

    async def delete(self, post_id: UUID, author: int) -> None:
        """Flag a post as deleted and empty its text, also before it was written."""
        ...

    async def get_many(self, ids: Collection[UUID]) -> Mapping[UUID, Post]:
        """Return those posts that are there, deleted ones with their flag."""
        ...

    async def newest(self, author: int, before: UUID | None, limit: int, strong: bool = True) -> Sequence[UUID]:
        """Return the newest ``limit`` undeleted post ids of an author, older than ``before``, newest first.

        Fewer than ``limit`` means that there are no more. ``strong`` reads at LOCAL_QUORUM, else ONE.
        """
        ...

    async def oldest(self, author: int, after: UUID, limit: int) -> Sequence[UUID]:
        """Return the ``limit`` undeleted post ids of an author next above ``after``, oldest first (LOCAL_QUORUM)."""
        ...


class Warmth(Enum):
    """What state a timeline is in."""

    COLD = "cold"  # no key: nothing is kept, the next read rebuilds it
    BUILDING = "building"  # a rebuild is under way; what is there may have holes
    PARTIAL = "partial"  # older entries than the tail exist in the post store
    COMPLETE = "complete"  # the list is the whole history


@dataclass(frozen=True, slots=True)
class Slice:
    """Part of a timeline: entries of 24 bytes, newest first, and the state of the list they came from."""

    warmth: Warmth
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
        """Make the empty, complete timeline of a new user; nothing where one is there. False: deadline passed."""
        ...

    async def push(self, users: Sequence[int], entry: bytes, deadline: float | None = None) -> int:
        """Put one entry into each warm timeline, in its place, once. Returns how many timelines took it.

        Raises StoreUnavailable where the deadline had passed.
        """
        ...

    async def older(self, user: int, before: UUID | None, limit: int) -> Slice:
        """Return up to ``limit`` entries older than ``before`` (or from the head) and note that it was read."""
        ...

    async def newer(self, user: int, after: UUID, limit: int) -> Slice:
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


class PostCache(Protocol):
    """Post bodies by id, in Redis. A deletion leaves a mark for an hour, so that it shows on every worker at once."""

    async def get_many(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        """Return what is cached; a deletion mark comes as a Post with ``deleted``."""
        ...

    async def fill(self, posts: Collection[Post]) -> None:
        """Add posts that are not cached (SET NX: never over a deletion mark)."""
        ...

    async def delete(self, post_id: UUID, author: int) -> None:
        """Put the deletion mark."""
        ...


class UserCache(Protocol):
    """Users by id, in Redis; the same rules as for posts."""

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User | None]:
        """Return what is cached; None is the mark of a deleted user, a missing key says nothing."""
        ...

    async def fill(self, users: Collection[User]) -> None:
        """Add users that are not cached (SET NX)."""
        ...

    async def delete(self, user: int) -> None:
        """Put the deletion mark."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """What the followers table says of one edge."""

    version: int
    following: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class FollowerSlice:
    """Followers in order of their ids; ``last`` is where the next slice goes on, None at the end."""

    followers: Sequence[int]
    last: int | None


class Followers(Protocol):
    """The followers table (``tables/``), as operations see it. ``partition`` is the event's own.

    Raises NotMine where the partition's rows are not in this worker: never to be read as "no followers".
    """

    def row(self, partition: int, author: int, follower: int) -> Row | None:
        """Return an edge's row. ``follower`` 0 is the author's own tombstone."""
        ...

    def write(self, author: int, follower: int, row: Row) -> None:
        """Write an edge's row, in the current event's partition; ``deliver`` sees to its confirmation."""
        ...

    def slice(self, partition: int, author: int, after: int, limit: int) -> FollowerSlice:
        """Look at up to ``limit`` rows with follower > ``after``; return those that follow."""
        ...


class EventLog(Protocol):
    """The log that acknowledges: a publish returns when the broker has confirmed it to all its replicas."""

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Publish on a logical topic. BrokerUnavailable: nothing was sent. OutcomeUnknown: no confirmation in time."""
        ...
