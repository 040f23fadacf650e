"""The followers table: who follows an author, in the partition where the author's posts arrive. One row an edge.

Never a set or a list per author: a row is written, logged and recovered by itself. Unfollowed rows stay, because a
row that was swept would let a late event bring the edge back. Reads and scans go to the partition's own database, and
never open one: a database that is not open belongs to a partition that is another worker's.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, cast

from faust.serializers import codecs
from faust.stores.rocksdb import Store
from faust.streams import current_event

from microblog_streams.delivery.faust_patches.changelog import ConfirmedTable, disk_full_is_unavailable
from microblog_streams.domain.ids import encode_user
from microblog_streams.domain.topics import FOLLOWERS_TABLE
from microblog_streams.operations.fan_out import TOMBSTONE
from microblog_streams.ports import FollowerSlice, Row, RowSlice
from tables.codec import EdgeCodec, RowCodec, decode_key, decode_row, encode_key, encode_row, follows

if TYPE_CHECKING:
    from faust import App

NAME = FOLLOWERS_TABLE
#: Under which Faust keeps the changelog's offset, among the rows.
OFFSET_KEY = Store.offset_key

MIB = 1024**2
#: Per partition. Faust's own values would let each take 2 GiB of cache and 192 MiB of write buffers.
ROCKSDB = {
    "driver": "rocksdict",
    "block_cache_size": 8 * MIB,
    "write_buffer_size": 8 * MIB,
    "max_write_buffer_number": 2,
    "max_open_files": 64,
}


class FollowersTable:
    """The table as operations see it (stores.interfaces.Followers)."""

    def __init__(self, table: ConfirmedTable) -> None:
        """Wrap Faust's table."""
        self.table = table

    def row(self, partition: int, author: int, follower: int) -> Row | None:
        """Return an edge's row. Raises NotMine."""
        raw = self.table.database(partition).get(encode_key(author, follower))
        return None if raw is None else decode_row(raw)

    def write(self, author: int, follower: int, row: Row) -> None:
        """Write a row in the current event's partition, and its changelog record. Raises NotMine, StoreUnavailable."""
        event = current_event()
        assert event is not None, "rows are written in a stream, for its current event"
        self.table.database(event.message.partition)
        with disk_full_is_unavailable():
            self.table[encode_key(author, follower)] = encode_row(row)

    def edges(self, keys: Iterable[bytes]) -> list[tuple[int, int]]:
        """Return follower and followee of rows by their keys. A tombstone is nobody's edge, and never changes."""
        pairs = map(decode_key, keys)
        return [(follower, author) for author, follower in pairs if follower != TOMBSTONE]

    def slice(self, partition: int, author: int, after: int, limit: int) -> FollowerSlice:
        """Look at up to ``limit`` rows with follower > ``after``. Raises NotMine.

        The iterator ends with the call: one that lives while the partition is revoked keeps RocksDB's lock.
        Faust's own key is as long as ours, and would be a follower of an author if ids ever came that far. Rows come by
        one call each and are looked at together, which takes half the time of a cursor's calls for key, value and next.
        """
        rows = self._rows(partition, encode_key(author, after + 1), limit)
        prefix = encode_user(author)
        keys = [key for key, row in rows if key.startswith(prefix) and key != OFFSET_KEY and follows(row)]
        followers = [follower for _, follower in map(decode_key, keys)]
        more = len(rows) == limit and rows[-1][0].startswith(prefix)
        return FollowerSlice(followers, decode_key(rows[-1][0])[1] if more else None)

    def _rows(self, partition: int, first: bytes, limit: int) -> Sequence[tuple[bytes, bytes]]:
        rows = self.table.database(partition).items(from_key=first)
        return cast(Sequence[tuple[bytes, bytes]], list(islice(rows, limit)))

    def scan(self, partition: int, author: int, after: int, limit: int) -> RowSlice:
        """Return up to ``limit`` rows with follower > ``after``, whatever they say. Raises NotMine.

        For people who look: a fan-out needs no versions, and decoding them is what takes the time.
        """
        # One row more tells whether there is a next page, and Faust's own key may be among them.
        rows = self._rows(partition, encode_key(author, after + 1), limit + 2)
        prefix = encode_user(author)
        own = [(key, row) for key, row in rows if key.startswith(prefix) and key != OFFSET_KEY]
        found = [(decode_key(key)[1], decode_row(row)) for key, row in own]
        return RowSlice(found[:limit], found[limit - 1][0] if len(found) > limit else None)

    def page(self, partition: int, after: tuple[int, int], limit: int) -> Sequence[tuple[int, int, Row]]:
        """Return up to ``limit`` rows of a partition with (author, follower) > ``after``. Raises NotMine."""
        author, follower = after
        # One row more, because Faust's own key may be among them.
        rows = self._rows(partition, encode_key(author, follower + 1), limit + 1)
        found = [(*decode_key(key), decode_row(row)) for key, row in rows if key != OFFSET_KEY]
        return found[:limit]


def register(app: "App") -> FollowersTable:
    """Declare the table on the app. Its changelog has as many partitions as the topics that write it."""
    codecs.register("edge", EdgeCodec())
    codecs.register("edge_row", RowCodec())
    table = cast(
        ConfirmedTable,
        app.Table(
            NAME,
            partitions=app.conf.topic_partitions,
            options=dict(ROCKSDB),
            help="Who follows whom: one row an edge, in the author's partition.",
        ),
    )
    table.key_serializer, table.value_serializer = "edge", "edge_row"
    return FollowersTable(table)
