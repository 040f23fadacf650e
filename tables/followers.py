"""The followers table: who follows an author, in the partition of the author's posts. One row for each edge.

Not a set or a list for each author: a row is written, logged and recovered by itself. Rows of ended edges stay, since
without them a late event would restore the edge. Reads and scans use the open database of the partition and never open
one: a closed database means that another worker has the partition.

Key: author (8 bytes) + follower (8), big-endian, so that an author's followers are adjacent, by id. Value: version (8)
+ following (1) + changed_at (8, microseconds of Unix time). The Faust codecs pass bytes unchanged on the hot path, and
decode for the pages under ``/table/``: ``author:follower``, and the row as an object.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from faust.serializers import codecs
from faust.serializers.codecs import Codec
from faust.stores.rocksdb import Store
from faust.streams import current_event

from microblog_streams.delivery.faust_patches.changelog import ConfirmedTable, disk_full_is_unavailable
from microblog_streams.domain.ids import encode_user
from microblog_streams.domain.topics import FOLLOWERS_TABLE
from microblog_streams.operations.fan_out import TOMBSTONE
from microblog_streams.ports import FollowerSlice, Row, RowSlice

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
    table.is_older = is_older
    return FollowersTable(table)


_KEY = struct.Struct(">QQ")
_ROW = struct.Struct(">Q?q")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: Bytes of a key.
KEY_BYTES = _KEY.size


def encode_key(author: int, follower: int) -> bytes:
    """Return the 16 bytes of an edge's key."""
    return _KEY.pack(author, follower)


def decode_key(raw: bytes) -> tuple[int, int]:
    """Return author and follower. Raises ``struct.error`` for any other length."""
    author, follower = _KEY.unpack(raw)
    return author, follower


def encode_row(row: Row) -> bytes:
    """Return the 17 bytes of a row."""
    return _ROW.pack(row.version, row.following, (row.changed_at - _EPOCH) // _MICROSECOND)


def decode_row(raw: bytes) -> Row:
    """Return the row. Raises ``struct.error`` for any other length."""
    version, following, micros = _ROW.unpack(raw)
    return Row(version, following, _EPOCH + micros * _MICROSECOND)


def is_older(raw: bytes, other: bytes) -> bool:
    """Return whether a row has a lower version than another one of the same edge, without decoding either."""
    return raw[:8] < other[:8]


def follows(raw: bytes) -> bool:
    """Return whether a row follows, without decoding the rest: all that a fan-out needs."""
    return raw[8] == 1


class EdgeCodec(Codec):
    """Faust's codec of keys: encodes bytes or ``"author:follower"``, decodes to ``"author:follower"``."""

    def _loads(self, s: bytes) -> str:
        return "{}:{}".format(*decode_key(s))

    def _dumps(self, s: Any) -> bytes:  # noqa: ANN401 -- Faust's own signature
        if isinstance(s, bytes):
            return s
        author, _, follower = str(s).partition(":")
        return encode_key(int(author), int(follower))


class RowCodec(Codec):
    """Faust's codec of values: encodes bytes, decodes to a readable row."""

    def _loads(self, s: bytes) -> dict[str, Any]:
        row = decode_row(s)
        return {"version": row.version, "following": row.following, "changedAt": row.changed_at.isoformat()}

    def _dumps(self, s: Any) -> bytes:  # noqa: ANN401 -- Faust's own signature
        return bytes(s)
