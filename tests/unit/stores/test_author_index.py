"""Reads of several authors share requests; each gets its own rows, and never part of them."""

import asyncio
from uuid import UUID

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.cassandra.driver import FAST, STRONG
from microblog_streams.stores.cassandra.posts import (
    MAX_AUTHORS_PER_READ,
    MAX_ROWS_PER_READ,
    OLDER,
    AuthorIndex,
    IndexRange,
)

TOP = UUID(int=10_000)
TEN = IndexRange(TOP, 10, STRONG)


class Index:
    """Answers as Cassandra would: ``rows`` by author, newest first, and no more than the first page."""

    def __init__(self):
        self.rows = {author: [(UUID(int=author * 100 + n), None) for n in (3, 2, 1)] for author in range(40)}
        self.asked = []
        self.down = False

    def prepare_on_connect(self, *statements):
        pass

    async def execute(self, statement, parameters, profile):
        authors, below, limit = parameters
        self.asked.append((authors, below, limit, profile))
        if self.down:
            raise StoreUnavailable("cassandra", "the test says so")
        if statement == OLDER:
            return self.part(authors, below, limit)
        return [(author, *row) for author in authors for row in self.part(author, below, limit)][:MAX_ROWS_PER_READ]

    def part(self, author, below, limit):
        return [row for row in self.rows.get(author, ()) if row[0] < below][:limit]


@pytest.fixture
def index():
    return Index()


@pytest.fixture
def reads(index):
    return AuthorIndex(index)


async def test_authors_of_the_same_moment_share_requests(index, reads):
    authors = range(2 * MAX_AUTHORS_PER_READ + 1)
    found = await asyncio.gather(*(reads.older(author, TEN) for author in authors))
    assert found == [index.rows[author] for author in authors]
    assert len(index.asked) == 3


async def test_an_author_without_posts_has_an_empty_page(index, reads):
    assert await asyncio.gather(reads.older(1, TEN), reads.older(77, TEN)) == [index.rows[1], []]


async def test_an_author_asked_for_twice_is_read_once(index, reads):
    assert await asyncio.gather(reads.older(1, TEN), reads.older(1, TEN)) == [index.rows[1]] * 2
    assert index.asked == [(1, *TEN)]


async def test_other_parts_are_other_requests(index, reads):
    parts = [TEN, TEN._replace(position=UUID(int=102)), TEN._replace(limit=2), TEN._replace(profile=FAST)]
    found = await asyncio.gather(*(reads.older(1, part) for part in parts))
    assert [len(rows) for rows in found] == [3, 1, 2, 3]
    assert index.asked == [(1, *part) for part in parts]


async def test_an_answer_never_has_more_rows_than_are_read_of_it(index, reads):
    limit = MAX_ROWS_PER_READ // 4
    index.rows = {author: [(UUID(int=n), None) for n in range(limit, 0, -1)] for author in range(9)}
    found = await asyncio.gather(*(reads.older(author, TEN._replace(limit=limit)) for author in range(9)))
    assert [len(rows) for rows in found] == [limit] * 9


async def test_a_part_that_is_longer_than_an_answer_is_asked_for_alone(index, reads):
    part = TEN._replace(limit=MAX_ROWS_PER_READ + 1)
    await asyncio.gather(reads.older(1, part), reads.older(2, part))
    assert [asked[0] for asked in index.asked] == [1, 2]


async def test_a_failure_is_everybodys_in_it_and_not_the_next_ones(index, reads):
    index.down = True
    failed = await asyncio.gather(reads.older(1, TEN), reads.older(2, TEN), return_exceptions=True)
    assert all(isinstance(failure, StoreUnavailable) for failure in failed)
    index.down = False
    assert await reads.older(1, TEN) == index.rows[1]


async def test_a_cancelled_caller_costs_others_no_rows(index, reads):
    leaving = asyncio.create_task(reads.older(1, TEN))
    staying = asyncio.create_task(reads.older(2, TEN))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == index.rows[2]


async def test_no_users_left_is_no_request(index, reads):
    leaving = asyncio.create_task(reads.older(1, TEN))
    await asyncio.sleep(0)
    leaving.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert index.asked == []
