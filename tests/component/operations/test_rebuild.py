"""One reader rebuilds a cold timeline, beside concurrent changes; a reader that fails or dies delays no other."""

import asyncio
from types import SimpleNamespace

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.operations.timelines import rebuild
from microblog_streams.ports import Building, TimelineState
from tests.support.waiting import PATIENT_SECONDS


@pytest.fixture
async def reader(world):
    """A user who follows ann (2) and bob (3), with 10 posts by each of the three, and a cold timeline."""
    reader, ann, bob = await world.people("reader", "ann", "bob")
    await world.follow(reader, ann, bob)
    for author in (ann, bob, reader) * 10:
        world.wrote(author)
    world.timelines.lists.pop(reader)
    return reader


@pytest.fixture
def read(world, reader):
    """Read the whole timeline, by its list and past it."""
    return lambda: world.scroll(reader, 10)


@pytest.fixture
def held(world, monkeypatch):
    """Hold back the reading of what ann wrote, until ``on`` is set; ``begun``: a reader waits for it."""
    state = SimpleNamespace(begun=asyncio.Event(), on=asyncio.Event())
    real = world.posts.newest

    async def newest(author, *arguments):
        ids = await real(author, *arguments)
        if author == 2:
            state.begun.set()
            await state.on.wait()
        return ids

    monkeypatch.setattr(world.posts, "newest", newest)
    monkeypatch.setattr(rebuild, "READER_WAIT_SECONDS", PATIENT_SECONDS)
    return state


@pytest.fixture
def count(world, monkeypatch):
    """Count how often the followees are read, which is once a rebuild and once a page past the list."""
    counts = []
    real = world.follows.followees

    async def followees(user):
        counts.append(user)
        return await real(user)

    monkeypatch.setattr(world.follows, "followees", followees)
    return counts


async def test_it_holds_the_newest_of_all_and_says_that_there_are_more(world, reader, read):
    assert await read() == world.expected(reader)
    assert world.timelines.lists[reader].state is TimelineState.PARTIAL
    assert world.entries(reader) == [world.entry(post) for post in world.expected(reader)[:20]]


async def test_a_history_shorter_than_the_list_is_complete(world, reader):
    (new,) = await world.people("new")
    world.wrote(new, 19)
    world.timelines.lists.pop(new)
    assert len(await world.scroll(new)) == 19
    assert world.timelines.lists[new].state is TimelineState.COMPLETE


async def test_one_of_many_readers_rebuilds(world, reader, count):
    pages = await asyncio.gather(*(world.operations.timelines.older(reader, None, 5) for _ in range(10)))
    assert count == [reader]
    assert all(page == pages[0] for page in pages)


@pytest.mark.parametrize("moment", ["begin", "followees", "newest", "finish"])
async def test_a_post_that_comes_meanwhile_is_there(world, reader, read, meanwhile, moment):
    store = {"followees": world.follows, "newest": world.posts}.get(moment, world.timelines)
    meanwhile(store, moment, lambda: world.write(2, "new"))
    await read()
    assert await read() == world.expected(reader)


@pytest.mark.parametrize("moment", ["begin", "followees", "newest", "finish"])
async def test_posts_of_a_user_followed_meanwhile_are_there(world, reader, read, meanwhile, moment):
    (cleo,) = await world.people("cleo")
    world.wrote(cleo, 3)
    store = {"followees": world.follows, "newest": world.posts}.get(moment, world.timelines)
    meanwhile(store, moment, lambda: world.follow(reader, cleo))
    await read()
    assert await read() == world.expected(reader)


@pytest.mark.parametrize("moment", ["begin", "followees", "newest", "finish"])
async def test_posts_of_a_user_unfollowed_meanwhile_are_gone(world, reader, read, meanwhile, moment):
    async def unfollow():
        await world.operations.follows.unfollow(reader, 2)
        await world.deliver()

    store = {"followees": world.follows, "newest": world.posts}.get(moment, world.timelines)
    meanwhile(store, moment, unfollow)
    await read()
    assert await read() == world.expected(reader)


async def test_an_eviction_meanwhile_begins_anew(world, reader, read, meanwhile):
    meanwhile(world.posts, "newest", lambda: world.timelines.remove(reader))
    assert await read() == world.expected(reader)


async def test_a_builder_that_died_is_taken_over(world, reader, read, monkeypatch):
    monkeypatch.setattr(rebuild, "MARK_TIMEOUT_SECONDS", 0.05)
    dead = await world.timelines.begin(reader)
    assert await read() == world.expected(reader)
    assert not await world.timelines.finish(reader, dead, [], complete=True)


async def test_a_slow_builder_that_was_taken_over_does_no_harm(world, reader, meanwhile):
    async def take_over():
        slow = await world.timelines.building(reader)
        other = await world.timelines.begin(reader, takeover=slow.token)
        assert await world.timelines.finish(reader, other, newest, complete=False)

    newest = [world.entry(post) for post in world.expected(reader)[:3]]
    meanwhile(world.posts, "newest", take_over)
    await world.operations.timelines.older(reader, None, 5)
    assert world.entries(reader) == newest


@pytest.mark.parametrize(("store", "name"), [("cassandra", "posts.down"), ("postgres", "database.away")])
async def test_a_builder_that_fails_leaves_the_next_one_free(world, reader, read, store, name):
    part, flag = getattr(world, name.split(".")[0]), name.split(".")[1]
    setattr(part, flag, True)
    with pytest.raises(StoreUnavailable, match=store):
        await read()
    assert reader not in world.timelines.lists
    setattr(part, flag, False)
    assert await read() == world.expected(reader)


async def test_a_reader_who_goes_away_leaves_the_rebuild_to_the_next_one(world, reader, read, count, held):
    reading = asyncio.create_task(read())
    await held.begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    held.on.set()
    assert await read() == world.expected(reader)
    assert count[:1] == [reader]


async def test_a_builder_that_is_slow_and_alive_is_not_taken_over(world, reader, monkeypatch, held):
    monkeypatch.setattr(rebuild, "MARK_RENEWAL_SECONDS", 0.01)
    monkeypatch.setattr(rebuild, "MARK_TIMEOUT_SECONDS", 0.1)
    takeovers, begin = [], world.timelines.begin

    async def noted(user, takeover=None):
        takeovers.append(takeover)
        return await begin(user, takeover)

    monkeypatch.setattr(world.timelines, "begin", noted)
    pages = [
        asyncio.create_task(worker.timelines.older(reader, None, 5)) for worker in (world.operations, world.worker())
    ]
    await held.begun.wait()
    _, waiting = await asyncio.wait(pages, timeout=0.3)
    assert len(waiting) == 2
    held.on.set()
    assert [page.whole for page in await asyncio.gather(*pages)] == [True, True]
    assert takeovers == [None, None]
    assert world.entries(reader) == [world.entry(post) for post in world.expected(reader)[:20]]


async def test_a_list_that_goes_while_a_slow_builder_reads_is_begun_anew(world, reader, read, monkeypatch, held):
    """What was pushed while there was no list is in the post store alone, where the rebuild has read past it."""
    monkeypatch.setattr(rebuild, "MARK_RENEWAL_SECONDS", 0.01)
    reading = asyncio.create_task(read())
    await held.begun.wait()
    await world.timelines.remove(reader)
    await world.write(3, "new")
    held.on.set()
    assert await reading == world.expected(reader)


async def test_who_fails_after_being_taken_over_leaves_the_other_at_work(world, reader, meanwhile, monkeypatch):
    async def take_over_and_fail():
        other = await world.timelines.building(reader)
        await world.timelines.begin(reader, takeover=other.token)
        raise StoreUnavailable("cassandra", "the test says so")

    meanwhile(world.posts, "newest", take_over_and_fail)
    with pytest.raises(StoreUnavailable):
        await world.operations.timelines.older(reader, None, 5)
    assert isinstance(await world.timelines.building(reader), Building)


async def test_without_redis_in_the_middle_the_page_comes_from_the_posts(world, reader, read, meanwhile):
    async def go():
        world.redis_down = True

    meanwhile(world.posts, "newest", go)
    assert await read() == world.expected(reader)
