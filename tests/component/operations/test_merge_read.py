"""The merge over all followees' posts: as much as is needed of each, and nothing once it has failed."""

import asyncio
import random
from time import monotonic

import pytest

from microblog_streams.aio import ttl_cache
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import entry_author, entry_post_id
from microblog_streams.operations.timelines.merge_read import (
    CONCURRENT_AUTHORS,
    READ_AHEAD_ENTRIES,
    READ_AHEAD_SECONDS,
    MergeRead,
)


@pytest.fixture
async def reader(world):
    """A user who follows 30 people, of whom some write all the time and some hardly ever; 3,000 posts in all."""
    reader, *authors = await world.people("reader", *(f"a{number}" for number in range(30)))
    await world.follow(reader, *authors)
    chance = random.Random(1)
    for author in chance.choices([*authors, reader], weights=[2 ** (number % 10) for number in range(31)], k=3_000):
        world.wrote(author)
    return reader


@pytest.fixture
def history(world):
    return MergeRead(world.follows, world.posts)


@pytest.fixture
def reads(world, monkeypatch):
    """How many ids each read of an author's posts brought."""
    sizes = []
    real = world.posts.newest

    async def newest(*args):
        sizes.append(len(ids := await real(*args)))
        await asyncio.sleep(0)
        return ids

    monkeypatch.setattr(world.posts, "newest", newest)
    return sizes


def ids(entries):
    return [entry_post_id(entry) for entry in entries]


@pytest.mark.parametrize("limit", [1, 20, 101, 800, 2_999, 3_000, 4_000])
async def test_older_is_what_lies_next_below(world, reader, history, limit):
    expected = world.expected(reader)
    assert ids(await history.older(reader, None, limit)) == expected[:limit]
    assert ids(await history.older(reader, expected[1_000], limit)) == expected[1_001 : 1_001 + limit]


@pytest.mark.parametrize("limit", [1, 20, 101, 800])
async def test_newer_returns_the_next_entries_above(world, reader, history, limit):
    expected = world.expected(reader)
    for position in (0, 10, 1_500, 2_999):
        assert (
            ids(await history.newer(reader, expected[position], limit)) == expected[max(position - limit, 0) : position]
        )


async def test_few_more_posts_are_read_than_asked_for(world, history, reads):
    """Reading of each author all that is asked for would be all 8,000 here: seconds, with thousands of followees."""
    reader, *authors = await world.people(*(f"a{number}" for number in range(41)))
    await world.follow(reader, *authors)
    for author in authors * 200:
        world.wrote(author)
    reads.clear()
    assert ids(await history.older(reader, None, 800)) == world.expected(reader)[:800]
    assert sum(reads) <= 2 * 800


async def test_an_only_author_is_read_at_once(world, history, reads):
    (ann,) = await world.people("ann")
    world.wrote(ann, 900)
    assert len(await history.older(ann, None, 800)) == 800
    assert reads == [800]


async def test_the_pages_after_a_merge_come_from_it(world, reader, history, reads):
    expected = world.expected(reader)
    await history.older(reader, expected[800], 20)
    reads.clear()
    for first in range(801, 801 + READ_AHEAD_ENTRIES, 20):
        assert ids(await history.older(reader, expected[first - 1], 20)) == expected[first : first + 20]
    assert reads == []
    assert ids(await history.older(reader, expected[1_300], 20)) == expected[1_301:1_321]
    assert reads != []


async def test_a_page_above_a_merge_is_another_merge_s(world, reader, history):
    expected = world.expected(reader)
    await history.older(reader, expected[800], 20)
    assert ids(await history.older(reader, expected[500], 20)) == expected[501:521]


async def test_a_user_who_followed_others_meanwhile_gets_their_posts(world, reader, history):
    expected = world.expected(reader)
    await history.older(reader, expected[800], 20)
    author = entry_author((await history.older(reader, expected[800], 1))[0])
    await world.operations.follows.unfollow(reader, author)
    expected_now = [post for post in world.expected(reader) if post < expected[800]]
    assert ids(await history.older(reader, expected[800], 20)) == expected_now[:20]


async def test_the_end_is_the_end(world, reader, history, reads):
    expected = world.expected(reader)
    assert ids(await history.older(reader, expected[-10], 20)) == expected[-9:]
    reads.clear()
    assert ids(await history.older(reader, expected[-5], 20)) == expected[-4:]
    assert reads == []


async def test_what_a_merge_found_is_forgotten(world, reader, history, reads, monkeypatch):
    expected = world.expected(reader)
    await history.older(reader, expected[800], 20)
    reads.clear()
    now = monotonic()
    monkeypatch.setattr(ttl_cache, "monotonic", lambda: now + READ_AHEAD_SECONDS + 1)
    assert ids(await history.older(reader, expected[800], 20)) == expected[801:821]
    assert reads != []


async def test_a_failure_ends_all_other_reads(world, reader, history, monkeypatch):
    """The post store is slow when it fails: thousands of reads without a reader would keep it so."""
    running = set()

    async def newest(author, *_):
        running.add(author)
        try:
            if len(running) == 5:
                raise StoreUnavailable("cassandra", "the test says so")
            await asyncio.Event().wait()
        finally:
            running.discard(author)

    monkeypatch.setattr(world.posts, "newest", newest)
    with pytest.raises(StoreUnavailable):
        await history.older(reader, None, 20)
    assert running == set()


async def test_only_so_many_authors_are_read_at_a_time(world, history, monkeypatch):
    reader, *authors = await world.people(*(f"a{number}" for number in range(200)))
    await world.follow(reader, *authors)
    running, most = 0, 0

    async def newest(*_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return []

    monkeypatch.setattr(world.posts, "newest", newest)
    await history.older(reader, None, 20)
    assert most == CONCURRENT_AUTHORS
