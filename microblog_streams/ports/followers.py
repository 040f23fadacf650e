"""The followers table: what ``tables/`` promises to operations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


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


@dataclass(frozen=True, slots=True)
class RowSlice:
    """Rows with their followers, in order of their ids; ``last`` is where the next slice goes on, None at the end."""

    rows: Sequence[tuple[int, Row]]
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

    def scan(self, partition: int, author: int, after: int, limit: int) -> RowSlice:
        """Return up to ``limit`` rows with follower > ``after``, also of those that do not follow any more."""
        ...

    def page(self, partition: int, after: tuple[int, int], limit: int) -> Sequence[tuple[int, int, Row]]:
        """Return up to ``limit`` rows of a partition with (author, follower) > ``after``, in that order.

        The rows of follower 0 are the tombstones of authors.
        """
        ...
