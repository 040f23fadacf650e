"""The followers table on a real RocksDB: pages, what is left out, partitions of other workers, the bytes of rows."""

import struct
from datetime import UTC, datetime

import pytest
from faust.types.tuples import TP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microblog_streams.cluster_status.health import sizes
from microblog_streams.domain.errors import NotMine, StoreUnavailable
from microblog_streams.domain.ids import MAX_USER_ID, encode_user
from microblog_streams.ports import FollowerSlice, Row, RowSlice
from tables.followers import (
    KEY_BYTES,
    OFFSET_KEY,
    EdgeCodec,
    RowCodec,
    decode_key,
    decode_row,
    encode_key,
    encode_row,
    follows,
)
from tests.support.examples import examples

AT = datetime(2026, 11, 24, tzinfo=UTC)
AUTHOR = 500
#: The author as whose rows Faust's own key would be read.
FAUSTS = int.from_bytes(OFFSET_KEY[:8], "big")


def put(shelf, partition, author, follower, following=True):
    shelf.table.databases[partition][encode_key(author, follower)] = encode_row(Row(1, following, AT))


def everyone(shelf, author, limit, partition=1):
    """Go through all slices as a fan-out does."""
    followers, after = [], 0
    while after is not None:
        rows = shelf.followers.slice(partition, author, after, limit)
        followers += rows.followers
        after = rows.last
    return followers


async def test_a_row_that_was_written_is_there_and_in_the_changelog(shelf):
    shelf.open(1)
    shelf.process(1, offset=0)
    shelf.followers.write(AUTHOR, 7, Row(3, True, AT))
    assert shelf.followers.row(1, AUTHOR, 7) == Row(3, True, AT)
    assert shelf.changelog.sent == [(1, encode_key(AUTHOR, 7), encode_row(Row(3, True, AT)))]


async def test_a_row_that_is_not_there_is_none(shelf):
    shelf.open(1)
    assert shelf.followers.row(1, AUTHOR, 7) is None


async def test_slices_go_through_all_followers_in_order(shelf):
    shelf.open(1)
    for follower in (30, 10, 20, 50, 40):
        put(shelf, 1, AUTHOR, follower)
    first = shelf.followers.slice(1, AUTHOR, 0, 2)
    assert first == FollowerSlice([10, 20], 20)
    assert shelf.followers.slice(1, AUTHOR, 20, 2) == FollowerSlice([30, 40], 40)
    assert shelf.followers.slice(1, AUTHOR, 40, 2) == FollowerSlice([50], None)


async def test_unfollowed_rows_are_looked_at_and_left_out(shelf):
    shelf.open(1)
    for follower in range(1, 8):
        put(shelf, 1, AUTHOR, follower, following=follower > 4)
    assert shelf.followers.slice(1, AUTHOR, 0, 3) == FollowerSlice([], 3)
    assert everyone(shelf, AUTHOR, 3) == [5, 6, 7]


async def test_the_author_s_tombstone_is_not_a_follower(shelf):
    shelf.open(1)
    put(shelf, 1, AUTHOR, 0)
    put(shelf, 1, AUTHOR, 9)
    assert everyone(shelf, AUTHOR, 10) == [9]


async def test_followers_of_others_are_not_the_author_s(shelf):
    shelf.open(1)
    for author in (AUTHOR - 1, AUTHOR, AUTHOR + 1, 2**40, MAX_USER_ID):
        put(shelf, 1, author, author % 1000 + 1)
    assert everyone(shelf, AUTHOR, 10) == [AUTHOR + 1]
    assert everyone(shelf, MAX_USER_ID, 1) == [MAX_USER_ID % 1000 + 1]


async def test_the_greatest_ids_are_found(shelf):
    shelf.open(1)
    put(shelf, 1, MAX_USER_ID, MAX_USER_ID)
    assert everyone(shelf, MAX_USER_ID, 1) == [MAX_USER_ID]


async def test_fausts_own_key_is_no_follower_and_hides_none(shelf):
    shelf.open(1)
    shelf.table.data.set_persisted_offset(shelf.process(1, 0).tp, 41)
    put(shelf, 1, FAUSTS, 3)
    put(shelf, 1, FAUSTS, MAX_USER_ID)
    put(shelf, 1, FAUSTS - 1, 8)
    assert everyone(shelf, FAUSTS, 1) == [3, MAX_USER_ID]
    assert everyone(shelf, FAUSTS - 1, 10) == [8]


async def test_a_partition_that_is_not_open_is_not_mine_and_stays_closed(shelf):
    shelf.open(1)
    shelf.process(2, offset=0)
    with pytest.raises(NotMine):
        shelf.followers.row(2, AUTHOR, 7)
    with pytest.raises(NotMine):
        shelf.followers.slice(2, AUTHOR, 0, 10)
    with pytest.raises(NotMine):
        shelf.followers.write(AUTHOR, 7, Row(1, True, AT))
    assert set(shelf.table.databases) == {1}
    assert shelf.changelog.sent == []


async def test_partitions_are_apart(shelf):
    shelf.open(1, 2)
    put(shelf, 1, AUTHOR, 7)
    assert everyone(shelf, AUTHOR, 10, partition=2) == []


async def test_no_slice_keeps_a_revoked_database_open(shelf):
    """Opening it again would fail on RocksDB's lock, and the worker with it."""
    shelf.open(1)
    for follower in range(1, 6):
        put(shelf, 1, AUTHOR, follower)
    page = shelf.followers.slice(1, AUTHOR, 0, 2)
    shelf.revoke(1)
    shelf.open(1)
    assert page.followers == [1, 2]
    assert everyone(shelf, AUTHOR, 2) == [1, 2, 3, 4, 5]


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.dictionaries(st.tuples(st.integers(1, 4), st.integers(1, 30)), st.booleans(), max_size=40),
    limit=st.integers(1, 7),
)
async def test_slices_of_any_size_find_exactly_the_followers(shelf, rows, limit):
    shelf.open(1)
    for (author, follower), following in rows.items():
        put(shelf, 1, author, follower, following)
    for author in range(1, 5):
        expected = sorted(f for (a, f), following in rows.items() if a == author and following)
        assert everyone(shelf, author, limit) == expected
    for key in rows:
        del shelf.table.databases[1][encode_key(*key)]


class FullDisk:
    """A database where every write fails as RocksDB's do."""

    def __init__(self, error):
        self.error = error

    def put(self, key, value):
        raise self.error


FULL = "IO error: No space left on device: While appending to file: /data/000004.log: No space left on device"


@pytest.fixture
def on_full_disk(shelf):
    """Breaks the database of partition 1 with an error, while an event is processed."""

    def break_it(error):
        shelf.open(1)
        shelf.process(1, offset=0)
        whole = shelf.table.databases[1]
        shelf.table.databases[1] = FullDisk(error)
        return whole

    return break_it


@pytest.mark.parametrize("text", [FULL, "IO error: Disk quota exceeded"])
async def test_a_row_that_finds_no_room_on_the_disk_is_worth_another_try(shelf, on_full_disk, text):
    whole = on_full_disk(Exception(text))
    with pytest.raises(StoreUnavailable, match="disk is unavailable"):
        shelf.followers.write(AUTHOR, 7, Row(3, True, AT))

    shelf.table.databases[1] = whole
    shelf.followers.write(AUTHOR, 7, Row(3, True, AT))
    assert shelf.followers.row(1, AUTHOR, 7) == Row(3, True, AT)


async def test_another_failure_to_write_a_row_is_none_that_passes(shelf, on_full_disk):
    error = Exception("Corruption: block checksum mismatch")
    on_full_disk(error)
    with pytest.raises(Exception, match="Corruption") as raised:
        shelf.followers.write(AUTHOR, 7, Row(3, True, AT))
    assert raised.value is error


async def test_a_changelog_offset_that_finds_no_room_stays_as_it_was(shelf, on_full_disk):
    shelf.open(1)
    shelf.process(1, offset=0)
    shelf.followers.write(AUTHOR, 7, Row(3, True, AT))
    shelf.changelog.confirm(offset=10)
    shelf.followers.write(AUTHOR, 8, Row(3, True, AT))
    whole = on_full_disk(Exception(FULL))
    shelf.changelog.confirm(offset=11)

    shelf.table.databases[1] = whole
    assert shelf.table.data.persisted_offset(TP("changelog", 1)) == 10


async def test_a_scan_returns_every_row_of_the_author_and_no_other(shelf):
    shelf.open(1)
    shelf.table.data.set_persisted_offset(shelf.process(1, 0).tp, 41)
    for follower in (0, 3, 5, MAX_USER_ID):
        put(shelf, 1, FAUSTS, follower, following=follower != 5)
    put(shelf, 1, FAUSTS + 1, 4)
    first = shelf.followers.scan(1, FAUSTS, 0, 2)
    assert first == RowSlice([(3, Row(1, True, AT)), (5, Row(1, False, AT))], 5)
    assert shelf.followers.scan(1, FAUSTS, 5, 2) == RowSlice([(MAX_USER_ID, Row(1, True, AT))], None)


async def test_pages_go_through_all_rows_of_a_partition_and_leave_out_fausts_own(shelf):
    shelf.open(1)
    shelf.table.data.set_persisted_offset(shelf.process(1, 0).tp, 41)
    keys = [(AUTHOR, 0), (AUTHOR, 7), (FAUSTS, 3), (FAUSTS + 1, 1), (FAUSTS + 1, MAX_USER_ID)]
    for author, follower in keys:
        put(shelf, 1, author, follower)
    found, last = [], (0, 0)
    while page := shelf.followers.page(1, last, 2):
        found += page
        last = page[-1][:2]
    assert found == [(*key, Row(1, True, AT)) for key in keys]
    with pytest.raises(NotMine):
        shelf.followers.page(2, (0, 0), 2)


async def test_no_scan_keeps_a_revoked_database_open(shelf):
    shelf.open(1)
    for follower in (1, 2, 3):
        put(shelf, 1, AUTHOR, follower)
    page = shelf.followers.scan(1, AUTHOR, 0, 2)
    shelf.revoke(1)
    shelf.open(1)
    assert page.last == 2
    assert shelf.followers.scan(1, AUTHOR, 2, 2) == RowSlice([(3, Row(1, True, AT))], None)


async def test_the_sizes_are_those_of_the_open_databases(shelf):
    shelf.open(1, 3)
    for follower in range(1, 101):
        put(shelf, 1, AUTHOR, follower)
    one, three = sizes(shelf.table.databases)
    assert (one.partition, one.rows, three.partition, three.rows) == (1, 100, 3, 0)
    assert one.bytes > 100 * 33


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
