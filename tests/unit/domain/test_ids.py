"""Ids grow even if the clock steps back, and their bytes sort like the ids."""

import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
import uuid_utils
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.domain import ids
from microblog_streams.domain.models import Post

USERS = st.integers(1, ids.MAX_USER_ID)
POSTS = st.integers(0, 2**128 - 1).map(lambda number: UUID(int=number))


NOW_MS = 1_700_000_000_000


@pytest.fixture
def clock(monkeypatch):
    """Set the library's next ids."""
    monkeypatch.setattr(ids, "_last", 0)

    def set_ids(*numbers):
        waiting = list(numbers)
        monkeypatch.setattr(uuid_utils, "uuid7", lambda **_: SimpleNamespace(int=waiting.pop(0)))

    return set_ids


def version_7(millis, rest=0):
    """Return a UUIDv7 of this time."""
    return millis << 80 | 7 << 76 | 0b10 << 62 | rest


class TestNewPostId:
    def test_it_has_the_present_time_and_version_7(self):
        post_id = ids.new_post_id()
        assert ids.is_post_id(post_id)
        assert abs(ids.post_time(post_id) - datetime.now(UTC)) < timedelta(minutes=1)

    def test_each_is_greater_than_the_one_before(self):
        made = [ids.new_post_id() for _ in range(10_000)]
        assert made == sorted(set(made))

    def test_ids_grow_when_the_clock_steps_back(self, clock):
        clock(version_7(2_000), version_7(1_000), version_7(1_999, 5), version_7(2_001))
        made = [ids.new_post_id() for _ in range(4)]
        assert made == sorted(set(made))
        assert [ids.post_millis(post_id) for post_id in made] == [2_000, 2_000, 2_000, 2_001]
        assert all(ids.is_post_id(post_id) for post_id in made)

    def test_ids_keep_growing_after_the_clock_was_set_back_by_a_minute(self, clock):
        """Posts keep their order, and none says that it is older than the one before it."""
        before, minute = 1_700_000_060_000, 60_000
        clock(version_7(before, 9), *(version_7(before - minute + step) for step in (0, 1, minute - 1, minute + 1)))
        posts = [Post(ids.new_post_id(), 1, "text") for _ in range(5)]
        assert [post.id.int for post in posts] == [version_7(before, 9 + count) for count in range(4)] + [
            version_7(before + 1)
        ]
        assert len({post.created_at for post in posts[:4]}) == 1
        assert posts[4].created_at - posts[0].created_at == timedelta(milliseconds=1)

    def test_a_clock_that_was_an_hour_fast_leaves_no_ids_in_the_future(self, clock, monkeypatch, caplog):
        """Whether or not the library goes on from there, as long as it does; and it is said once."""
        hour = 3_600_000
        monkeypatch.setattr(ids, "time_ns", lambda: NOW_MS * 1_000_000)
        fast = version_7(NOW_MS + hour, 7)
        monkeypatch.setattr(ids, "_last", fast)
        clock(
            fast + 1, version_7(NOW_MS, 5), fast + 2, version_7(NOW_MS, 1), version_7(NOW_MS, 9), version_7(NOW_MS + 1)
        )
        steps = ids.clock_steps_back()
        made = [ids.new_post_id().int for _ in range(4)]
        assert ids.clock_steps_back() == steps + 1
        assert made == [version_7(NOW_MS, 5), version_7(NOW_MS, 6), version_7(NOW_MS, 9), version_7(NOW_MS + 1)]
        assert caplog.text.count("ids_follow_the_clock_back seconds=3600") == 1

    def test_an_id_a_minute_ahead_is_incremented(self, clock, monkeypatch, caplog):
        monkeypatch.setattr(ids, "time_ns", lambda: NOW_MS * 1_000_000)
        last = version_7(NOW_MS + ids.MAX_AHEAD_MS, 7)
        monkeypatch.setattr(ids, "_last", last)
        clock(version_7(NOW_MS))
        monkeypatch.setattr(ids, "_last", last)
        assert ids.new_post_id().int == last + 1
        assert caplog.text == ""

    def test_ids_grow_when_the_library_repeats_itself(self, clock):
        clock(*[version_7(1_000)] * 3)
        assert [ids.new_post_id().int - version_7(1_000) for _ in range(3)] == [0, 1, 2]

    def test_threads_share_one_order(self):
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda _: [ids.new_post_id() for _ in range(500)], range(8)))
        assert all(part == sorted(part) for part in made)
        assert len({post_id for part in made for post_id in part}) == 4_000


class TestTimes:
    def test_the_time_in_an_id_is_its_first_48_bits(self):
        post_id = UUID("018bcfe5-687b-7fff-bfff-ffffffffffff")
        assert ids.post_millis(post_id) == 1_700_000_000_123
        assert ids.post_time(post_id) == datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)

    @pytest.mark.parametrize("value", [uuid4(), UUID(int=0), UUID(int=2**128 - 1), UUID(int=1 << 80)])
    def test_other_uuids_are_no_post_ids(self, value):
        assert not ids.is_post_id(value)


class TestBytes:
    @given(USERS, USERS)
    def test_users_sort_as_their_bytes_do(self, one, other):
        assert (one < other) == (ids.encode_user(one) < ids.encode_user(other))
        assert ids.decode_user(ids.encode_user(one)) == one

    @given(POSTS, POSTS, USERS, USERS)
    def test_entries_sort_by_post_id_and_then_by_author(self, post, other, author, another):
        assert ((post, author) < (other, another)) == (
            ids.encode_entry(post, author) < ids.encode_entry(other, another)
        )

    @given(POSTS, USERS)
    def test_an_entry_has_the_post_id_and_the_author(self, post, author):
        entry = ids.encode_entry(post, author)
        assert len(entry) == ids.ENTRY_BYTES == ids.POST_BYTES + ids.USER_BYTES
        assert (ids.entry_post_id(entry), ids.entry_author(entry)) == (post, author)

    @pytest.mark.parametrize("raw", [b"", b"1234567", b"123456789"])
    def test_other_lengths_are_not_a_user_id(self, raw):
        with pytest.raises(struct.error):
            ids.decode_user(raw)

    @pytest.mark.parametrize("user", [-1, 2**64])
    def test_ids_beyond_bigint_are_refused(self, user):
        with pytest.raises(struct.error):
            ids.encode_user(user)
