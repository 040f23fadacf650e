"""Looks up rows of the follower table, for operators who ask why a post reached a user, or did not.

Fan-out uses these rows. PostgreSQL is the truth, and may be ahead by the events in flight.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from microblog_streams.domain.errors import NotFound, NotMine, WorkerUnavailable
from microblog_streams.operations.fan_out import TOMBSTONE
from microblog_streams.ports import Followers, Row, RowSlice


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows in this worker. ``partition_of``: returns an author's partition. ``worker``: its name.

    All methods raise WorkerUnavailable where this worker does not have the partition.
    """

    followers: Followers
    partition_of: Callable[[int], int]
    worker: str

    def edge(self, author: int, follower: int) -> Row:
        """Return one row. Raises NotFound."""
        row = self._row(author, follower)
        if row is None:
            raise NotFound("edge", f"{author}:{follower}")
        return row

    def page(self, author: int, after: int, limit: int) -> RowSlice:
        """Return the rows of an author's followers, by id, also of former followers."""
        with _translated():
            return self.followers.scan(self.partition_of(author), author, after, limit)

    def deleted(self, author: int) -> bool:
        """Return whether the author has a tombstone."""
        return self._row(author, TOMBSTONE) is not None

    def _row(self, author: int, follower: int) -> Row | None:
        with _translated():
            return self.followers.row(self.partition_of(author), author, follower)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except NotMine as exc:
        raise WorkerUnavailable(f"The rows were just assigned to another worker ({exc}). Try again.") from None
