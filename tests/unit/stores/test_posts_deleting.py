"""Deleting many posts: all texts go before the first flag in the author's index, in requests of bounded size."""

import pytest

from microblog_streams.errors import StoreUnavailable
from microblog_streams.ids import new_post_id
from microblog_streams.stores.posts import DELETE_BODY, DELETE_INDEX, ROWS_A_BATCH, TEXTS_A_BATCH, Posts


class Requests:
    """Takes requests as Cassandra would; from the ``fails``-th on none is answered."""

    timeout = 2.0

    def __init__(self, fails=1_000):
        self.made = []
        self.fails = fails

    def uses(self, *statements):
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
    assert max(map(len, requests.made[:12])) == TEXTS_A_BATCH
    assert max(map(len, requests.made[12:])) == ROWS_A_BATCH


async def test_where_a_text_is_left_no_flag_hides_any():
    requests = Requests(fails=7)
    with pytest.raises(StoreUnavailable):
        await Posts(requests).delete_all(7, [new_post_id() for _ in range(120)])
    assert {statement for writes in requests.made for statement, _ in writes} == {DELETE_BODY}
