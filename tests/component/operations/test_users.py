"""People: registered once a name, found while Redis is away, gone after their deletion."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from microblog_streams.domain.errors import Invalid, KeyReused, NotFound, StoreUnavailable, UsernameTaken
from microblog_streams.domain.models import IdempotencyKey
from microblog_streams.ports import TimelineState

ONCE = IdempotencyKey("0123456789abcdef", b"digest")


async def test_a_new_user_has_an_id_a_name_and_an_empty_timeline(world):
    user = await world.operations.users.create("ann")
    assert await world.operations.users.get(user.id) == user
    assert user.username == "ann"
    assert world.timelines.lists[user.id].state is TimelineState.COMPLETE


@pytest.mark.parametrize("name", ["ann", "ANN", "ａｎｎ"])  # noqa: RUF001
async def test_a_name_that_reads_the_same_is_taken(world, name):
    await world.people("ann")
    with pytest.raises(UsernameTaken):
        await world.operations.users.create(name)


async def test_a_bad_name_reaches_no_store(world):
    with pytest.raises(Invalid):
        await world.operations.users.create("a b")
    assert world.database.last_user == 0


async def test_without_redis_people_register_and_their_timeline_is_cold(world):
    world.redis_down = True
    (ann,) = await world.people("ann")
    world.redis_down = False
    assert ann not in world.timelines.lists
    await world.write(ann, "hello")
    assert len(await world.scroll(ann)) == 1


async def test_a_registration_that_took_long_leaves_the_timeline_cold(world, monkeypatch):
    """Others may have found the user meanwhile, and had them follow another: an empty timeline would hide posts."""
    redis_time = SimpleNamespace(monotonic=lambda: time.monotonic() + 30)
    monkeypatch.setattr("tests.support.fakes.timelines.time", redis_time)
    (ann,) = await world.people("ann")
    assert ann not in world.timelines.lists


async def test_a_new_user_is_published_after_their_timeline_is_created(world, monkeypatch):
    """Registered again on another worker they would follow and write, and the empty list would hide both."""
    (bob,) = await world.people("bob")
    posts = await world.write(bob, "of bob")
    real, other = world.timelines.create, world.worker()

    async def create(user, deadline=None):
        if user in await other.users.find([user]):
            await world.follow(user, bob)
            await world.write(user, "by ann")
        return await real(user, deadline)

    monkeypatch.setattr(world.timelines, "create", create)
    ann = await world.operations.users.create("ann", ONCE)
    assert await other.users.create("ann", ONCE) == ann
    await world.follow(ann.id, bob)
    posts += await world.write(ann.id, "again")
    assert ann.id in world.timelines.lists
    assert await world.scroll(ann.id) == world.expected(ann.id)


async def test_a_slow_timeline_creation_fails_no_registration_and_leaves_it_cold(world, monkeypatch):
    monkeypatch.setattr("microblog_streams.operations.users.TIMELINE_SECONDS", 0.01)

    async def hang(user, deadline):
        await asyncio.Event().wait()

    monkeypatch.setattr(world.timelines, "create", hang)
    (ann,) = await world.people("ann")
    assert ann not in world.timelines.lists
    assert (await world.operations.users.get(ann)).username == "ann"


async def test_a_reused_id_does_not_inherit_the_old_timeline(world):
    """A backup was restored, or a standby promoted without its last commits: the id of who is lost is free again."""
    (bob,) = await world.people("bob")
    await world.write(bob, "of the old days")
    lost = bob + 1
    world.timelines.lists[lost] = world.timelines.lists[bob]

    (new,) = await world.people("eve")

    assert new == lost
    assert await world.scroll(new) == []


async def test_without_postgresql_registration_is_refused(world):
    world.database.away = True
    with pytest.raises(StoreUnavailable, match="postgres"):
        await world.people("ann")


async def test_a_cached_user_is_found_without_postgres(world):
    (ann,) = await world.people("ann")
    world.database.away = True
    assert (await world.operations.users.get(ann)).username == "ann"


async def test_a_user_who_is_not_cached_is_read_and_cached(world):
    (ann,) = await world.people("ann")
    world.user_cache.kept.clear()
    await world.operations.users.require(ann)
    world.database.away = True
    await world.operations.users.require(ann)


async def test_without_redis_users_are_read_from_postgres(world):
    (ann,) = await world.people("ann")
    world.redis_down = True
    assert list(await world.operations.users.find([ann, ann + 1])) == [ann]


async def test_who_is_not_there_is_named(world):
    (ann,) = await world.people("ann")
    with pytest.raises(NotFound, match="user 7"):
        await world.operations.users.require(ann, 7)
    with pytest.raises(NotFound, match="user 7"):
        await world.operations.users.get(7)


async def test_pages_of_people_go_up_by_id(world):
    people = await world.people(*"abcde")
    first = await world.operations.users.page(0, 2)
    second = await world.operations.users.page(first.next, 2)
    third = await world.operations.users.page(second.next, 2)
    assert [user.id for page in (first, second, third) for user in page.items] == people
    assert third.next is None


async def test_a_full_last_page_has_no_next(world):
    await world.people("a", "b")
    assert (await world.operations.users.page(0, 2)).next is None


class TestOnce:
    async def test_a_repeated_registration_is_the_same_user(self, world):
        ann = await world.operations.users.create("ann", ONCE)
        assert await world.operations.users.create("ann", ONCE) == ann
        assert world.database.last_user == 1

    async def test_a_repeated_registration_makes_no_timeline(self, world):
        """The first call made none, and ann reads by now whom she follows: an empty one would hide the posts."""
        world.redis_down = True
        ann = await world.operations.users.create("ann", ONCE)
        world.redis_down = False
        (bob,) = await world.people("bob")
        await world.follow(ann.id, bob)
        (post,) = await world.write(bob, "hello")
        await world.operations.users.create("ann", ONCE)
        assert await world.scroll(ann.id) == [post]

    async def test_another_name_with_the_same_key_is_refused(self, world):
        await world.operations.users.create("ann", ONCE)
        with pytest.raises(KeyReused):
            await world.operations.users.create("bob", IdempotencyKey(ONCE.key, b"another"))

    async def test_a_guessable_key_is_refused(self, world):
        with pytest.raises(Invalid, match="Idempotency-Key"):
            await world.operations.users.create("ann", IdempotencyKey("0123456789abcde", b"digest"))
        assert world.database.last_user == 0


class TestDelete:
    async def test_a_deleted_user_is_gone_at_once(self, world):
        (ann,) = await world.people("ann")
        await world.operations.users.delete(ann)
        with pytest.raises(NotFound):
            await world.operations.users.get(ann)
        with pytest.raises(NotFound):
            await world.operations.users.delete(ann)
        assert (await world.operations.users.page(0, 10)).items == []

    async def test_a_read_from_before_does_not_bring_them_back(self, world, meanwhile):
        (ann,) = await world.people("ann")
        world.user_cache.kept.clear()
        meanwhile(world.operations.users.store, "get_many", lambda: world.operations.users.delete(ann))
        await world.operations.users.find([ann])
        assert await world.operations.users.find([ann]) == {}

    async def test_without_redis_their_event_makes_up_for_the_mark(self, world):
        (ann,) = await world.people("ann")
        world.redis_down = True
        await world.operations.users.delete(ann)
        world.redis_down = False
        await world.deliver()
        assert await world.operations.users.find([ann]) == {}

    async def test_their_name_is_held_back_and_then_free(self, world):
        (ann,) = await world.people("ann")
        await world.operations.users.delete(ann)
        with pytest.raises(UsernameTaken, match="is still reserved"):
            await world.people("ann")

        world.operations.users.store.hold_days = 0

        assert await world.people("ann") != [ann]
