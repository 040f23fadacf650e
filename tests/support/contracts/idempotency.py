"""What every IdempotencyStore does, real or in memory. ``a_day_passes`` makes every key a day older."""

import asyncio

import pytest

from microblog_streams.domain.errors import KeyReused
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import IdempotencyKey, Reserved

ONCE, OTHER = IdempotencyKey("key", b"\x00digest\xff"), IdempotencyKey("key", b"another")


class IdempotencyContract:
    async def test_a_new_key_is_tied_to_its_post(self, idempotency):
        post = new_post_id()

        assert await idempotency.claim(1, ONCE, post) == Reserved(post, done=False)

    async def test_a_repeated_key_returns_the_first_post(self, idempotency):
        first = new_post_id()
        await idempotency.claim(1, ONCE, first)

        assert await idempotency.claim(1, ONCE, new_post_id()) == Reserved(first, done=False)

    async def test_a_finished_key_reports_its_post_as_done(self, idempotency):
        first = new_post_id()
        await idempotency.claim(1, ONCE, first)

        await idempotency.finish(1, ONCE)

        assert await idempotency.claim(1, ONCE, new_post_id()) == Reserved(first, done=True)

    async def test_keys_belong_to_their_authors(self, idempotency):
        mine, theirs = new_post_id(), new_post_id()

        assert await idempotency.claim(1, ONCE, mine) == Reserved(mine)
        assert await idempotency.claim(2, OTHER, theirs) == Reserved(theirs)

    async def test_a_key_with_another_request_is_refused(self, idempotency):
        first = new_post_id()
        await idempotency.claim(1, ONCE, first)

        with pytest.raises(KeyReused):
            await idempotency.claim(1, OTHER, new_post_id())

        assert await idempotency.claim(1, ONCE, new_post_id()) == Reserved(first)

    async def test_requests_at_once_with_one_key_get_one_post(self, idempotency):
        posts = [new_post_id() for _ in range(8)]

        claimed = await asyncio.gather(*(idempotency.claim(1, ONCE, post) for post in posts))

        assert len(set(claimed)) == 1
        assert claimed[0].post_id in posts

    async def test_a_key_older_than_a_day_counts_as_new_before_it_is_swept(self, idempotency, a_day_passes):
        await idempotency.claim(1, ONCE, new_post_id())
        await idempotency.finish(1, ONCE)
        await a_day_passes()
        second = new_post_id()

        assert await idempotency.claim(1, OTHER, second) == Reserved(second, done=False)
        assert await idempotency.claim(1, OTHER, new_post_id()) == Reserved(second, done=False)

    async def test_one_of_concurrent_requests_renews_an_expired_key(self, idempotency, a_day_passes):
        await idempotency.claim(1, ONCE, new_post_id())
        await a_day_passes()
        posts = [new_post_id() for _ in range(8)]

        claimed = await asyncio.gather(*(idempotency.claim(1, ONCE, post) for post in posts))

        assert len(set(claimed)) == 1
        assert claimed[0].post_id in posts

    async def test_what_is_older_than_a_day_is_swept_in_bounded_batches(self, idempotency, a_day_passes):
        for author in range(1, 6):
            await idempotency.claim(author, ONCE, new_post_id())
        await a_day_passes()
        young = await idempotency.claim(9, ONCE, new_post_id())

        assert [await idempotency.sweep(2) for _ in range(4)] == [2, 2, 1, 0]
        assert await idempotency.claim(9, ONCE, new_post_id()) == young

    async def test_sweeps_at_once_take_each_key_once(self, idempotency, a_day_passes):
        for author in range(1, 9):
            await idempotency.claim(author, ONCE, new_post_id())
        await a_day_passes()

        swept = await asyncio.gather(*(idempotency.sweep(100) for _ in range(4)))

        assert sum(swept) == 8
