"""The followers table in memory."""

from microblog_streams.domain.errors import NotMine
from microblog_streams.ports import FollowerSlice, Row, RowSlice


class FakeFollowers:
    """The ``Followers`` of one worker. ``rows`` is open to tests, by author and follower; while ``closed``: NotMine."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], Row] = {}
        self.closed = False

    def row(self, partition: int, author: int, follower: int) -> Row | None:
        self._check()
        return self.rows.get((author, follower))

    def write(self, author: int, follower: int, row: Row) -> None:
        self._check()
        self.rows[author, follower] = row

    def slice(self, partition: int, author: int, after: int, limit: int) -> FollowerSlice:
        self._check()
        seen = sorted(follower for of, follower in self.rows if of == author and follower > after)[:limit]
        followers = [follower for follower in seen if self.rows[author, follower].following]
        return FollowerSlice(followers, seen[-1] if len(seen) == limit else None)

    def scan(self, partition: int, author: int, after: int, limit: int) -> RowSlice:
        self._check()
        seen = sorted(follower for of, follower in self.rows if of == author and follower > after)[:limit]
        rows = [(follower, self.rows[author, follower]) for follower in seen]
        return RowSlice(rows, seen[-1] if len(seen) == limit else None)

    def page(self, partition: int, after: tuple[int, int], limit: int) -> list[tuple[int, int, Row]]:
        self._check()
        return [(*key, self.rows[key]) for key in sorted(self.rows) if key > after][:limit]

    def _check(self) -> None:
        if self.closed:
            raise NotMine("the partition is not open here")
