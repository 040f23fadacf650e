"""The bytes of the followers table hold what was put in, in the order of the numbers."""

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.domain.ids import MAX_USER_ID, encode_user
from microblog_streams.ports import Row
from tables.codec import (
    KEY_BYTES,
    EdgeCodec,
    RowCodec,
    decode_key,
    decode_row,
    encode_key,
    encode_row,
    follows,
)

USERS = st.integers(0, MAX_USER_ID)
EDGES = st.tuples(USERS, USERS)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))
ROWS = st.builds(Row, st.integers(0, MAX_USER_ID), st.booleans(), TIMES)


@given(EDGES)
def test_a_key_reads_back(edge):
    assert decode_key(encode_key(*edge)) == edge


@given(EDGES, EDGES)
def test_keys_sort_as_their_numbers_do(one, other):
    assert (encode_key(*one) < encode_key(*other)) == (one < other)


@given(EDGES)
def test_a_key_begins_with_its_author(edge):
    key = encode_key(*edge)
    assert len(key) == KEY_BYTES
    assert key.startswith(encode_user(edge[0]))


@given(ROWS)
def test_a_row_reads_back_to_the_microsecond(row):
    assert decode_row(encode_row(row)) == row


@given(ROWS)
def test_whether_a_row_follows_shows_without_reading_it(row):
    assert follows(encode_row(row)) == row.following


@given(EDGES)
def test_people_read_and_write_a_key_as_text(edge):
    codec = EdgeCodec()
    text = codec.loads(encode_key(*edge))
    assert text == f"{edge[0]}:{edge[1]}"
    assert codec.dumps(text) == encode_key(*edge)


@given(st.binary(max_size=40))
def test_bytes_pass_the_codecs_untouched(raw):
    assert EdgeCodec().dumps(raw) == raw
    assert RowCodec().dumps(raw) == raw


def test_people_read_a_row_in_words():
    row = Row(7, True, datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC))
    assert RowCodec().loads(encode_row(row)) == {
        "version": 7,
        "following": True,
        "changedAt": "2026-11-24T01:02:03+00:00",
    }


@pytest.mark.parametrize("text", ["7", "7:", ":7", "a:b", "7:8:9", "-1:2"])
def test_a_text_that_names_no_edge_is_refused(text):
    with pytest.raises((ValueError, struct.error)):
        EdgeCodec().dumps(text)
