"""Posts: the log decides whether there is one, and everything else may be away."""

import asyncio
import time
from uuid import UUID

import pytest
import uuid_utils

from microblog_streams.domain import topics
from microblog_streams.domain.errors import (
    BrokerUnavailable,
    Invalid,
    KeyReused,
    NotFound,
    NotStoredYet,
    OutcomeUnknown,
    StoreUnavailable,
)
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import MAX_AHEAD_MS, new_post_id
from microblog_streams.domain.models import IdempotencyKey
from microblog_streams.operations.posts import UNSTORED_SECONDS
from tests.support.waiting import until

ONCE = IdempotencyKey("key", b"digest")


@pytest.fixture
async def ann(world):
    (ann,) = await world.people("ann")
    return ann


class TestCreate:
    async def test_a_post_is_an_event_of_its_author(self, world, ann):
        post = await world.operations.posts.create(ann, " Grüße\n")
        (published,) = world.log.events
        event = PostCreated.model_validate_json(published.value)
        assert (event.post_id, event.user_id, event.content) == (post.id, ann, " Grüße\n")
        assert event.created_at == post.created_at
        assert (published.topic, published.key) == (topics.POST_CREATED, ann.to_bytes(8, "big"))
        assert published.headers == {"schema": "1"}

    async def test_authors_read_their_own_post_before_any_event_is_brought_about(self, world, ann):
        post = await world.operations.posts.create(ann, "hello")
        assert await world.operations.posts.get(post.id) == post
        assert (await world.operations.posts.by_author(ann, None, 10)).items == [post]
        assert (await world.operations.timelines.older(ann, None, 10)).items == [post]

    async def test_bad_text_and_unknown_authors_reach_no_store(self, world, ann):
        with pytest.raises(Invalid):
            await world.operations.posts.create(ann, " ")
        with pytest.raises(NotFound):
            await world.operations.posts.create(99, "hello")
        assert (world.log.begun, world.posts.posts) == (0, {})

    @pytest.mark.parametrize("error", [BrokerUnavailable("away"), OutcomeUnknown("no confirmation")])
    async def test_a_post_that_kafka_did_not_confirm_is_stored_nowhere(self, world, ann, error, monkeypatch):
        async def fail(*_):
            raise error

        monkeypatch.setattr(world.log, "publish", fail)
        with pytest.raises(type(error)):
            await world.operations.posts.create(ann, "hello")
        assert (world.posts.posts, world.post_cache.kept, world.entries(ann)) == ({}, {}, [])

    async def test_nothing_is_stored_before_the_log_confirms(self, world, ann):
        world.log.open.clear()
        writing = asyncio.create_task(world.operations.posts.create(ann, "hello"))
        await until(lambda: world.log.begun)
        assert (world.posts.posts, world.post_cache.kept, world.entries(ann)) == ({}, {}, [])
        world.log.open.set()
        post = await writing
        assert await _page(world, ann) == [post]

    async def test_without_the_post_store_it_is_a_post_all_the_same(self, world, ann):
        world.posts.down = True
        post = await world.operations.posts.create(ann, "hello")
        assert await world.operations.posts.get(post.id) == post
        assert await _page(world, ann) == [post]
        world.posts.down = False
        await world.deliver()
        assert list(world.posts.posts) == [post.id]

    async def test_without_redis_it_is_a_post_all_the_same(self, world, ann):
        world.redis_down = True
        post = await world.operations.posts.create(ann, "hello")
        assert await world.operations.posts.get(post.id) == post
        assert await _page(world, ann) == [post]

    async def test_without_postgres_a_cached_author_writes(self, world, ann):
        world.database.away = True
        await world.operations.posts.create(ann, "hello")
        assert len(world.log.events) == 1


class TestIdempotency:
    async def test_the_same_key_is_the_same_post(self, world, ann):
        first = await world.operations.posts.create(ann, "hello", ONCE)
        assert await world.operations.posts.create(ann, "hello", ONCE) == first
        await world.deliver()
        assert await world.scroll(ann) == [first.id]
        assert list(world.posts.posts) == [first.id]

    async def test_the_same_key_with_another_text_is_refused(self, world, ann):
        await world.operations.posts.create(ann, "hello", ONCE)
        with pytest.raises(KeyReused):
            await world.operations.posts.create(ann, "goodbye", IdempotencyKey("key", b"another"))
        assert len(world.log.events) == 1

    async def test_keys_are_an_authors_own(self, world, ann):
        (bob,) = await world.people("bob")
        assert await world.operations.posts.create(ann, "hello", ONCE) != await world.operations.posts.create(
            bob, "hello", ONCE
        )

    async def test_a_retry_after_an_unknown_outcome_is_one_post(self, world, ann, monkeypatch):
        """The event was written, its confirmation was lost."""
        real = world.log.publish

        async def unconfirmed(*args):
            await real(*args)
            raise OutcomeUnknown("no confirmation")

        with monkeypatch.context() as patch:
            patch.setattr(world.log, "publish", unconfirmed)
            with pytest.raises(OutcomeUnknown):
                await world.operations.posts.create(ann, "hello", ONCE)
        post = await world.operations.posts.create(ann, "hello", ONCE)
        await world.deliver()
        assert len(world.log.events) == 2
        assert await world.scroll(ann) == [post.id]

    async def test_a_retry_of_what_was_never_published_is_published_with_the_reserved_id(self, world, ann):
        """A worker died between the row and the log."""
        reserved = new_post_id()
        await world.operations.posts.idempotency.claim(ann, ONCE, reserved)
        post = await world.operations.posts.create(ann, "hello", ONCE)
        await world.deliver()
        assert post.id == reserved
        assert await world.scroll(ann) == [reserved]

    async def test_an_acknowledged_key_is_answered_without_kafka(self, world, ann):
        first = await world.operations.posts.create(ann, "hello", ONCE)
        world.log.away = True
        assert await world.operations.posts.create(ann, "hello", ONCE) == first
        assert len(world.log.events) == 1

    async def test_two_at_once_are_one_post(self, world, ann):
        world.log.open.clear()
        both = [asyncio.create_task(world.operations.posts.create(ann, "hello", ONCE)) for _ in range(2)]
        await until(lambda: world.log.begun == 2)
        world.log.open.set()
        one, other = await asyncio.gather(*both)
        await world.deliver()
        assert one == other
        assert await world.scroll(ann) == [one.id]

    async def test_without_postgres_after_the_log_it_is_a_post_all_the_same(self, world, ann):
        world.log.open.clear()
        writing = asyncio.create_task(world.operations.posts.create(ann, "hello", ONCE))
        await until(lambda: world.log.begun)
        world.database.away = True
        world.log.open.set()
        post = await writing
        world.database.away = False
        assert await world.operations.posts.create(ann, "hello", ONCE) == post

    async def test_without_postgres_a_post_with_a_key_is_not_sent(self, world, ann):
        world.database.away = True
        with pytest.raises(StoreUnavailable, match="postgres"):
            await world.operations.posts.create(ann, "hello", ONCE)
        assert world.log.begun == 0

    async def test_a_retry_does_not_bring_back_a_deleted_post(self, world, ann):
        """The mark of the deletion may have gone from the cache by then, and nothing else records that it was done."""
        post = await world.operations.posts.create(ann, "hello", ONCE)
        world.database.keys[ann, "key"].done = False
        await world.operations.posts.delete(post.id)
        await world.deliver()
        world.post_cache.kept.clear()
        await world.operations.posts.create(ann, "hello", ONCE)
        await world.deliver()
        with pytest.raises(NotFound):
            await world.operations.posts.get(post.id)
        assert await world.scroll(ann) == []


class TestDelete:
    async def test_a_deleted_post_is_gone_at_once(self, world, ann):
        post, other = await world.write(ann, "one", "two")
        await world.operations.posts.delete(post)
        with pytest.raises(NotFound):
            await world.operations.posts.get(post)
        with pytest.raises(NotFound):
            await world.operations.posts.delete(post)
        assert await world.scroll(ann) == [other]
        assert [item.id for item in (await world.operations.posts.by_author(ann, None, 9)).items] == [other]

    @pytest.mark.parametrize("away", ["redis_down", "posts.down"])
    async def test_a_store_that_is_away_makes_it_later(self, world, ann, away):
        (post,) = await world.write(ann, "one")
        target, name = (world.posts, "down") if away == "posts.down" else (world, "redis_down")
        setattr(target, name, True)
        await world.operations.posts.delete(post)
        setattr(target, name, False)
        await world.deliver()
        assert world.posts.posts[post].deleted
        assert world.post_cache.kept[post].deleted
        assert await world.scroll(ann) == []

    async def test_without_the_broker_nothing_is_deleted(self, world, ann):
        (post,) = await world.write(ann, "one")
        world.log.away = True
        with pytest.raises(BrokerUnavailable):
            await world.operations.posts.delete(post)
        assert (await world.operations.posts.get(post)).content == "one"

    async def test_a_store_that_is_away_says_nothing_of_a_post(self, world, ann):
        (post,) = await world.write(ann, "one")
        world.post_cache.kept.clear()
        world.posts.down = True
        for call in (world.operations.posts.get, world.operations.posts.delete):
            with pytest.raises(StoreUnavailable, match="cassandra"):
                await call(post)


class TestNotStoredYet:
    @pytest.fixture
    async def unstored(self, world, ann):
        """A post that was accepted while Cassandra and Redis were away; both are back, its event is not delivered."""
        world.posts.down = world.redis_down = True
        post = await world.operations.posts.create(ann, "hello")
        world.posts.down = world.redis_down = False
        return post

    async def test_an_accepted_post_is_not_denied(self, world, unstored):
        for call in (world.operations.posts.get, world.operations.posts.delete):
            with pytest.raises(NotStoredYet):
                await call(unstored.id)
        await world.deliver()
        assert await world.operations.posts.get(unstored.id) == unstored

    async def test_it_can_be_deleted_once_its_event_is_applied(self, world, ann, unstored):
        await world.deliver()
        await world.operations.posts.delete(unstored.id)
        with pytest.raises(NotFound):
            await world.operations.posts.get(unstored.id)
        await world.deliver()
        assert await world.scroll(ann) == []

    async def test_its_deletion_is_not_sent(self, world, unstored):
        sent = len(world.log.events)
        with pytest.raises(NotStoredYet):
            await world.operations.posts.delete(unstored.id)
        assert len(world.log.events) == sent

    @pytest.mark.parametrize(
        ("age_seconds", "answer"),
        [
            (-2 * MAX_AHEAD_MS / 1_000, NotFound),
            (-MAX_AHEAD_MS / 2_000, NotStoredYet),
            (UNSTORED_SECONDS - 60, NotStoredYet),
            (UNSTORED_SECONDS + 1, NotFound),
        ],
    )
    async def test_an_unknown_id_is_not_found_where_its_time_is_long_ago_or_to_come(self, world, age_seconds, answer):
        made_at = time.time() - age_seconds
        unknown = UUID(int=uuid_utils.uuid7(nanoseconds=int(made_at * 1e9)).int)
        for call in (world.operations.posts.get, world.operations.posts.delete):
            with pytest.raises(answer):
                await call(unknown)


class TestByAuthor:
    async def test_pages_go_down_and_end(self, world, ann):
        posts = world.wrote(ann, 5)[::-1]
        first = await world.operations.posts.by_author(ann, None, 3)
        last = await world.operations.posts.by_author(ann, first.next, 3)
        assert [item.id for page in (first, last) for item in page.items] == posts
        assert last.next is None

    async def test_a_page_is_filled_up_where_the_index_does_not_know_of_a_deletion_yet(self, world, ann):
        posts = world.wrote(ann, 6)[::-1]
        await world.post_cache.delete(posts[1], ann)
        first = await world.operations.posts.by_author(ann, None, 3)
        assert [item.id for item in first.items] == [posts[0], posts[2], posts[3]]
        last = await world.operations.posts.by_author(ann, first.next, 3)
        assert [item.id for item in last.items] == posts[4:]

    async def test_only_what_is_left_is_a_page_without_next(self, world, ann):
        posts = world.wrote(ann, 4)[::-1]
        await world.post_cache.delete(posts[3], ann)
        page = await world.operations.posts.by_author(ann, None, 3)
        assert ([item.id for item in page.items], page.next) == (posts[:3], None)

    async def test_who_is_not_there_wrote_nothing(self, world):
        with pytest.raises(NotFound):
            await world.operations.posts.by_author(99, None, 3)

    async def test_a_deleted_authors_post_is_not_found(self, world, ann):
        (post,) = await world.write(ann, "one")
        await world.operations.users.delete(ann)
        with pytest.raises(NotFound, match="post"):
            await world.operations.posts.get(post)


async def _page(world, user):
    return (await world.operations.timelines.older(user, None, 10)).items
