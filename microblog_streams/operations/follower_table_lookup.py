"""The rows of the followers table as people look at them: who wonders why a post reached somebody, or did not.

This is what fan-out goes by. PostgreSQL says what should be so, and may be ahead of it by what is on its way.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from microblog_streams.domain.errors import NotFound, NotMine, WorkerUnavailable
from microblog_streams.operations.fan_out import TOMBSTONE
from microblog_streams.ports import Followers, Row, RowSlice


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that are in this worker. ``partition_of`` tells an author's partition; ``worker`` is its name.

    All methods raise WorkerUnavailable where the partition is not in this worker (any more).
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
        """Return the rows of an author's followers, by id, also those that were undone."""
        with _translated():
            return self.followers.scan(self.partition_of(author), author, after, limit)

    def deleted(self, author: int) -> bool:
        """Tell whether the author is known to be deleted."""
        return self._row(author, TOMBSTONE) is not None

    def _row(self, author: int, follower: int) -> Row | None:
        with _translated():
            return self.followers.row(self.partition_of(author), author, follower)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except NotMine as exc:
        raise WorkerUnavailable(f"The rows were just given to another worker ({exc}). Try again.") from None
