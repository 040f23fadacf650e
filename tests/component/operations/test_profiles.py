"""Profiles: what a page has, what a change does to the caches, and what is left while a store is away."""

import pytest

from microblog_streams.domain.errors import Invalid, NotFound, StoreUnavailable
from microblog_streams.domain.models import ProfileChange
from microblog_streams.operations.profiles import MAX_COUNTED_POSTS


@pytest.fixture
async def ann(world):
    (ann,) = await world.people("ann")
    return ann


async def test_a_page_has_the_texts_and_the_numbers(world, ann):
    (bob,) = await world.people("bob")
    await world.follow(bob, ann)
    await world.write(ann, "one", "two")

    page = await world.operations.profiles.change(ann, ProfileChange("Ann Lee", "hello"))

    assert (page.user.display_name, page.profile.note) == ("Ann Lee", "hello")
    assert (page.posts, page.counts) == (2, (1, 0))
    assert await world.operations.profiles.get(ann) == page


async def test_a_change_shows_at_once_in_lists_of_other_workers(world, ann):
    other = world.worker()
    await other.users.find([ann])

    await world.operations.profiles.change(ann, ProfileChange("Ann Lee"))

    assert (await other.users.get(ann)).display_name == "Ann Lee"


async def test_a_cache_that_was_away_has_the_change_from_its_event(world, ann):
    await world.operations.users.get(ann)
    world.redis_down = True
    await world.operations.profiles.change(ann, ProfileChange("Ann Lee"))
    world.redis_down = False

    await world.deliver()

    assert world.user_cache.kept[ann].display_name == "Ann Lee"


async def test_an_old_event_leaves_the_newest_name_cached(world, ann):
    await world.operations.profiles.change(ann, ProfileChange("first"))
    await world.operations.profiles.change(ann, ProfileChange("second"))

    await world.deliver()

    assert world.user_cache.kept[ann].display_name == "second"


async def test_a_change_between_reading_and_caching_is_cached(world, ann, monkeypatch):
    """Two concurrent changes: the worker of the first one is the last to write to the cache."""
    real, others = world.user_cache.replace, [ProfileChange("second")]

    async def replace(user):
        if others:
            await world.operations.profiles.change(ann, others.pop())
        await real(user)

    monkeypatch.setattr(world.user_cache, "replace", replace)
    await world.operations.profiles.change(ann, ProfileChange("first"))

    assert world.user_cache.kept[ann].display_name == "second"


async def test_the_event_of_a_user_who_is_deleted_meanwhile_leaves_the_deletion_mark(world, ann):
    await world.operations.profiles.change(ann, ProfileChange("Ann Lee"))
    await world.operations.users.delete(ann)

    await world.deliver()

    assert world.user_cache.kept[ann] is None
    with pytest.raises(NotFound):
        await world.operations.profiles.get(ann)


async def test_a_bad_change_reaches_no_store(world, ann):
    with pytest.raises(Invalid):
        await world.operations.profiles.change(ann, ProfileChange("\u202eann"))
    assert world.database.pages == {}


async def test_without_postgres_the_cached_name_is_shown_and_no_number(world, ann):
    await world.operations.profiles.change(ann, ProfileChange("Ann Lee", "hello"))
    world.database.away = True

    page = await world.operations.profiles.get(ann)

    assert (page.user.display_name, page.profile, page.counts, page.posts) == ("Ann Lee", None, None, 0)


async def test_without_postgres_and_redis_there_is_no_page(world, ann):
    world.database.away = world.redis_down = True

    with pytest.raises(StoreUnavailable):
        await world.operations.profiles.get(ann)


async def test_the_number_of_posts_is_bounded_and_read_once(world, ann, monkeypatch):
    reads = []

    async def newest(author, before, limit):
        reads.append(limit)
        return list(range(limit))

    monkeypatch.setattr(world.posts, "newest", newest)
    pages = [await world.operations.profiles.get(ann) for _ in range(3)]

    assert [page.posts for page in pages] == [MAX_COUNTED_POSTS] * 3
    assert reads == [MAX_COUNTED_POSTS]
