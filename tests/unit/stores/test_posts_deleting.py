"""Deleting many posts: all texts go before the first flag in the author's index, in requests of bounded size."""

from bisect import bisect_left
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.events import UserDeleted
from microblog_streams.domain.ids import new_post_id
from microblog_streams.stores.cassandra.posts import (
    DELETE_BODY,
    DELETE_INDEX,
    MAX_INDEX_ROWS,
    MAX_INDEX_ROWS_PER_BATCH,
    MAX_TEXTS_PER_BATCH,
    OLDER,
    Posts,
)
from tests.support.fakes.world import World


class Requests:
    """Takes requests as Cassandra would; from the ``fails``-th on none is answered."""

    timeout = 2.0

    def __init__(self, fails=1_000):
        self.made = []
        self.fails = fails

    def prepare_on_connect(self, *statements):
        pass

    async def write(self, *writes):
        if len(self.made) >= self.fails:
            raise StoreUnavailable("cassandra", "the test says so")
        self.made.append(writes)


async def test_texts_go_before_the_flags_that_hide_them():
    requests, ids = Requests(), [new_post_id() for _ in range(120)]
    await Posts(requests).delete_all(7, ids)

    statements = [{statement for statement, _ in writes} for writes in requests.made]
    assert statements == [{DELETE_BODY}] * 12 + [{DELETE_INDEX}] * 3
    assert [values[0] for writes in requests.made[:12] for _, values in writes] == ids
    assert [values[1] for writes in requests.made[12:] for _, values in writes] == ids
    assert max(map(len, requests.made[:12])) == MAX_TEXTS_PER_BATCH
    assert max(map(len, requests.made[12:])) == MAX_INDEX_ROWS_PER_BATCH


async def test_where_a_text_is_left_no_flag_hides_any():
    requests = Requests(fails=7)
    with pytest.raises(StoreUnavailable):
        await Posts(requests).delete_all(7, [new_post_id() for _ in range(120)])
    assert {statement for writes in requests.made for statement, _ in writes} == {DELETE_BODY}


class Index:
    """The two tables as far as the deletion of one author's posts goes; counts rows and requests."""

    timeout = 2.0

    def __init__(self, count):
        self.ids = [UUID(int=number << 80 | 7 << 76 | 2 << 62) for number in range(1, count + 1)]
        self.flagged, self.emptied = set(), set()
        self.rows = self.writes = 0
        self.writes_left = -1

    def prepare_on_connect(self, *statements):
        pass

    async def execute(self, statement, parameters, profile):
        assert statement == OLDER
        _, below, limit = parameters
        end = bisect_left(self.ids, below)
        part = self.ids[max(end - limit, 0) : end][::-1]
        self.rows += len(part)
        return [(post_id, post_id in self.flagged) for post_id in part]

    async def write(self, *writes):
        self.writes_left -= 1
        if self.writes_left == 0:
            raise StoreUnavailable("cassandra", "the test ends it in the middle")
        self.writes += 1
        for statement, values in writes:
            if statement == DELETE_BODY:
                self.emptied.add(values[0])
            else:
                assert values[1] in self.emptied
                self.flagged.add(values[1])


@pytest.fixture
def delete():
    async def run(index):
        world = World()
        deletions = replace(world.operations.deletions, posts=Posts(index))
        await deletions.apply(UserDeleted(user_id=7, at=datetime.now(UTC)), world.lease)

    return run


async def test_a_hundred_thousand_posts_are_read_once(delete):
    index = Index(100_000)
    await delete(index)
    assert len(index.flagged) == len(index.emptied) == 100_000
    assert index.rows == 100_000
    assert index.writes == 100_000 / MAX_TEXTS_PER_BATCH + 100_000 / MAX_INDEX_ROWS_PER_BATCH


async def test_a_rerun_reads_past_what_is_flagged_in_large_steps(delete):
    index = Index(20_000)
    index.writes_left = 1_200  # of 2,400: half of them
    with pytest.raises(StoreUnavailable):
        await delete(index)
    read = index.rows
    assert 9_000 < len(index.flagged) < 11_000
    await delete(index)
    assert len(index.flagged) == len(index.emptied) == 20_000
    assert index.rows - read < 20_000 + 3 * MAX_INDEX_ROWS
