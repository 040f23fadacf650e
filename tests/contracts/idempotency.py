"""What every IdempotencyStore does, real or in memory."""

import asyncio

import pytest

from microblog_streams.errors import KeyReused
from microblog_streams.ids import new_post_id

DIGEST, OTHER = b"\x00digest\xff", b"another"


class IdempotencyContract:
    async def test_a_new_key_is_tied_to_its_post(self, idempotency):
        post = new_post_id()

        assert await idempotency.claim(1, "key", DIGEST, post) == post

    async def test_a_key_that_comes_again_leads_to_the_first_post(self, idempotency):
        first = new_post_id()
        await idempotency.claim(1, "key", DIGEST, first)

        assert await idempotency.claim(1, "key", DIGEST, new_post_id()) == first

    async def test_keys_belong_to_their_authors(self, idempotency):
        mine, theirs = new_post_id(), new_post_id()

        assert await idempotency.claim(1, "key", DIGEST, mine) == mine
        assert await idempotency.claim(2, "key", OTHER, theirs) == theirs

    async def test_a_key_with_another_request_is_refused(self, idempotency):
        first = new_post_id()
        await idempotency.claim(1, "key", DIGEST, first)

        with pytest.raises(KeyReused):
            await idempotency.claim(1, "key", OTHER, new_post_id())

        assert await idempotency.claim(1, "key", DIGEST, new_post_id()) == first

    async def test_requests_at_once_with_one_key_get_one_post(self, idempotency):
        posts = [new_post_id() for _ in range(8)]

        claimed = await asyncio.gather(*(idempotency.claim(1, "key", DIGEST, post) for post in posts))

        assert len(set(claimed)) == 1
        assert claimed[0] in posts
