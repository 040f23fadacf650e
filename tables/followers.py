"""The followers table: who follows an author, in the partition of the author's posts. One row for each edge.

Not a set or a list for each author: a row is written, logged and recovered by itself. Rows of ended edges stay, since
without them a late event would restore the edge. Reads and scans use the open database of the partition and never open
one: a closed database means that another worker has the partition.
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
#: Faust stores the changelog's offset under this key, among the rows.
OFFSET_KEY = Store.offset_key

MIB = 1024**2
#: For each partition. Faust's defaults allow 2 GiB of cache and 192 MiB of write buffers each.
ROCKSDB = {
    "driver": "rocksdict",
    "block_cache_size": 8 * MIB,
    "write_buffer_size": 8 * MIB,
    "max_write_buffer_number": 2,
    "max_open_files": 64,
}


class FollowersTable:
    """The ``Followers`` of ``ports``."""

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
        """Return (follower, followee) of the rows with these keys, without tombstones, which never change."""
        pairs = map(decode_key, keys)
        return [(follower, author) for author, follower in pairs if follower != TOMBSTONE]

    def slice(self, partition: int, author: int, after: int, limit: int) -> FollowerSlice:
        """Return the followers among up to ``limit`` rows with follower > ``after``. Raises NotMine.

        The iterator ends with the call: one that is open while the partition is revoked keeps RocksDB's lock.
        Faust's own key has the length of ours and is skipped. Reading (key, value) pairs into a list takes half the
        time of a cursor with separate calls for key, value and next.
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
        """Return up to ``limit`` rows with follower > ``after``, ended ones too. Raises NotMine.

        For the admin pages: decoding whole rows would slow a fan-out, which uses ``slice``.
        """
        # One extra row shows whether there is a next page; another, because Faust's own key may be among them.
        rows = self._rows(partition, encode_key(author, after + 1), limit + 2)
        prefix = encode_user(author)
        own = [(key, row) for key, row in rows if key.startswith(prefix) and key != OFFSET_KEY]
        found = [(decode_key(key)[1], decode_row(row)) for key, row in own]
        return RowSlice(found[:limit], found[limit - 1][0] if len(found) > limit else None)

    def page(self, partition: int, after: tuple[int, int], limit: int) -> Sequence[tuple[int, int, Row]]:
        """Return up to ``limit`` rows of a partition with (author, follower) > ``after``. Raises NotMine."""
        author, follower = after
        # One extra row, because Faust's own key may be among them.
        rows = self._rows(partition, encode_key(author, follower + 1), limit + 1)
        found = [(*decode_key(key), decode_row(row)) for key, row in rows if key != OFFSET_KEY]
        return found[:limit]


def register(app: "App") -> FollowersTable:
    """Declare the table on the app. Its changelog has as many partitions as the topics whose events write it."""
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
