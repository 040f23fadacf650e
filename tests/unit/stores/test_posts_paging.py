"""How ``Posts.newest`` reads on past deleted posts, on an index that is a list."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.stores.cassandra.posts import ABOVE_ALL, MAX_INDEX_ROWS, MIN_INDEX_ROWS, OLDER, Posts

AUTHOR = 7


class Index:
    """Answers as Cassandra would for one author: ``rows`` of (id, deleted), newest first."""

    timeout = 2.0

    def __init__(self, rows):
        self.rows = rows
        self.sizes = []

    def prepare_on_connect(self, *statements):
        pass

    async def execute(self, statement, parameters, profile):
        author, before, limit = parameters
        assert (statement, author) == (OLDER, AUTHOR)
        self.sizes.append(limit)
        return [row for row in self.rows if row[0] < before][:limit]


def index(flags):
    ids = [UUID(int=number << 80 | 7 << 76 | 2 << 62) for number in range(len(flags), 0, -1)]
    return Index([(post_id, deleted or None) for post_id, deleted in zip(ids, flags, strict=True)])


@given(st.lists(st.booleans(), max_size=120), st.integers(0, 60), st.integers(0, 120))
async def test_newest_is_the_undeleted_below_the_position(flags, limit, skipped):
    rows = index(flags)
    before = rows.rows[skipped][0] if skipped < len(flags) else None
    expected = [post_id for post_id, deleted in rows.rows if not deleted and (before is None or post_id < before)]
    assert await Posts(rows).newest(AUTHOR, before, limit) == expected[:limit]


async def test_a_page_without_deletions_is_one_read():
    rows = index([False] * 100)
    await Posts(rows).newest(AUTHOR, None, 50)
    assert rows.sizes == [50]


async def test_an_author_who_deleted_everything_is_read_in_growing_bounded_steps():
    rows = index([True] * 4_000)
    assert await Posts(rows).newest(AUTHOR, None, 5) == []
    assert rows.sizes[:3] == [MIN_INDEX_ROWS, 2 * MIN_INDEX_ROWS, 4 * MIN_INDEX_ROWS]
    assert max(rows.sizes) == MAX_INDEX_ROWS
    assert len(rows.sizes) < 12


def test_the_position_above_all_is_the_greatest_id_of_version_7():
    assert ABOVE_ALL.hex == "ffffffffffff7fffffffffffffffffff"
