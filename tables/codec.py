"""The byte format of the followers table: one row for each edge, keys in the order of a fan-out's scan.

Key: author (8 bytes) + follower (8), big-endian, so that an author's followers are adjacent, by id. Value: version (8)
+ following (1) + changed_at (8, microseconds of Unix time). The Faust codecs pass bytes unchanged on the hot path, and
decode for the pages under ``/table/``: ``author:follower``, and the row as an object.
"""

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from faust.serializers.codecs import Codec

from microblog_streams.ports import Row

_key = struct.Struct(">QQ")
_row = struct.Struct(">Q?q")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: Bytes of a key.
KEY_BYTES = _key.size


def encode_key(author: int, follower: int) -> bytes:
    """Return the 16 bytes of an edge's key."""
    return _key.pack(author, follower)


def decode_key(raw: bytes) -> tuple[int, int]:
    """Return author and follower. Raises ``struct.error`` for any other length."""
    author, follower = _key.unpack(raw)
    return author, follower


def encode_row(row: Row) -> bytes:
    """Return the 17 bytes of a row."""
    return _row.pack(row.version, row.following, (row.changed_at - _EPOCH) // _MICROSECOND)


def decode_row(raw: bytes) -> Row:
    """Return the row. Raises ``struct.error`` for any other length."""
    version, following, micros = _row.unpack(raw)
    return Row(version, following, _EPOCH + micros * _MICROSECOND)


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
