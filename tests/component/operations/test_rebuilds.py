"""A cold timeline that takes long to rebuild: its readers are answered in time, and it is made behind them."""

import asyncio

import pytest

from microblog_streams.domain.errors import StoreUnavailable, Unfinished
from microblog_streams.operations.timelines import merge_read, rebuild
from microblog_streams.ports import TimelineState
from tests.support.waiting import until

READER, ANN, BOB = 1, 2, 3


class Shop:
    """Reads of the post store that wait until they are let go: those of ``slow`` authors; how many wait at most."""

    def __init__(self, posts):
        self.newest = posts.newest
        self.slow, self.on = set(), asyncio.Event()
        self.waiting = self.most = 0

    async def read(self, author, *arguments):
        if author in self.slow:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            await self.on.wait()
            self.waiting -= 1
        return await self.newest(author, *arguments)


@pytest.fixture
async def shop(world, monkeypatch):
    """READER follows ANN and BOB, each of them wrote 10 posts, and the timeline is cold. BOB's are slow to read."""
    await world.people("reader", "ann", "bob")
    await world.follow(READER, ANN, BOB)
    for author in (ANN, BOB, READER) * 10:
        world.wrote(author)
    world.timelines.lists.pop(READER)
    monkeypatch.setattr(rebuild, "READER_WAIT_SECONDS", 0.2)
    shop = Shop(world.posts)
    monkeypatch.setattr(world.posts, "newest", shop.read)
    shop.slow = {BOB}
    yield shop
    await world.operations.timelines.close()


@pytest.fixture
def page(world, shop):
    async def page(position=None, limit=10):
        return await world.operations.timelines.older(READER, position, limit)

    return page


def shown(page):
    return [(item.id, item.author) for item in page.items]


def wrote(world, *authors):
    """Return what authors wrote, newest first."""
    return sorted(
        ((post.id, post.author) for post in world.posts.posts.values() if post.author in authors), reverse=True
    )


async def test_the_newest_page_is_what_was_read_in_time_and_says_that_it_is_not_whole(world, page):
    first = await page()
    assert shown(first) == wrote(world, ANN, READER)[:10]
    assert (first.whole, first.next, first.prev) == (False, None, None)


async def test_what_is_written_meanwhile_is_on_it(world, page):
    await page()
    (post,) = await world.write(BOB, "new")
    assert shown(await page())[:2] == [(post, BOB), *wrote(world, ANN, READER)[:1]]


async def test_it_is_made_behind_its_readers(world, shop, page):
    await page()
    shop.on.set()
    await until(lambda: world.timelines.lists[READER].state is TimelineState.PARTIAL)
    first = await page()
    assert (shown(first), first.whole) == (wrote(world, ANN, BOB, READER)[:10], True)


async def test_where_nothing_was_read_in_time_there_is_no_page(shop, page):
    """An empty page would say that there is nothing."""
    shop.slow = {READER, ANN, BOB}
    with pytest.raises(Unfinished):
        await page()


async def test_who_scrolls_has_to_wait_because_they_never_come_back(world, page):
    position, _ = wrote(world, ANN, BOB, READER)[5]
    with pytest.raises(Unfinished):
        await page(position)
    with pytest.raises(Unfinished):
        await world.operations.timelines.newer(READER, position, 10)


async def test_all_readers_wait_for_one_rebuild(world, shop, page):
    # On a busy machine nothing may be read within the wait: that is another test's.
    await asyncio.gather(*(page() for _ in range(10)), return_exceptions=True)
    assert shop.most == 1


async def test_authors_are_read_some_at_a_time(world, shop, page, monkeypatch):
    monkeypatch.setattr(merge_read, "CONCURRENT_AUTHORS", 2)
    shop.slow = {READER, ANN, BOB}
    with pytest.raises(Unfinished):
        await page()
    assert shop.most == 2


async def test_more_rebuilds_than_there_may_be_are_refused(world, shop, page, monkeypatch):
    monkeypatch.setattr(rebuild, "MAX_QUEUED_REBUILDS", 1)
    await page()
    world.timelines.lists.pop(ANN)
    with pytest.raises(Unfinished):
        await world.operations.timelines.older(ANN, None, 10)
    assert ANN not in world.timelines.lists


async def test_a_rebuild_that_fails_behind_its_readers_leaves_the_timeline_cold(world, shop, page):
    await page()
    world.posts.down = True
    shop.on.set()
    await until(lambda: READER not in world.timelines.lists)
    with pytest.raises(StoreUnavailable):
        await page()
    world.posts.down = False
    assert (await page()).whole


async def test_a_worker_that_stops_ends_them_and_begins_none(world, shop, page):
    await page()
    await world.operations.timelines.close()
    assert READER not in world.timelines.lists
    with pytest.raises(Unfinished):
        await page()
    assert READER not in world.timelines.lists
    shop.on.set()
    assert (await world.worker().timelines.older(READER, None, 10)).whole


async def test_rebuilds_are_counted_by_their_end(world, shop, page):
    rebuilds = world.operations.timelines.rebuilds
    await page()
    assert (len(rebuilds.running), rebuilds.seconds.count) == (1, 0)
    shop.on.set()
    await until(lambda: rebuilds.ended == {"done": 1})
    assert rebuilds.seconds.count == 1


async def test_a_rebuild_that_fails_or_is_cancelled_is_counted_as_that(world, shop, page, monkeypatch):
    rebuilds = world.operations.timelines.rebuilds
    await page()
    await rebuilds.close()
    assert rebuilds.ended == {"cancelled": 1}

    async def fail(*arguments):
        raise StoreUnavailable("cassandra", "away")

    rebuilds.closed = False
    monkeypatch.setattr(shop, "read", fail)
    monkeypatch.setattr(world.posts, "newest", fail)
    with pytest.raises(StoreUnavailable):
        await page()
    assert rebuilds.ended == {"cancelled": 1, "failed": 1}
