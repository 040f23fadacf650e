"""What passes is no rejection: a read-only index and an engine that was killed take the same documents afterwards."""

from contextlib import suppress

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.local.opensearch import OpenSearch
from microblog_streams.search.documents import post_write
from microblog_streams.search.index import PostFilter
from microblog_streams.search.query import parse
from tests.support.waiting import until

pytestmark = pytest.mark.integration


async def test_a_read_only_index_refuses_for_now(index, engine, settings):
    document = post_write(Post(new_post_id(), 1, "tea"))

    async def block(value):
        body = {"index.blocks.read_only_allow_delete": value}
        name = f"{settings.search_prefix}-*"
        await engine.call(lambda client: client.indices.put_settings(index=name, body=body), 30.0)

    await block(True)
    (refused,) = await index.write([document])
    await block(None)

    assert isinstance(refused, StoreUnavailable)
    assert await index.write([document]) == [None]


@pytest.mark.parametrize("engine_url", ["opensearch"], indirect=True)
async def test_nothing_that_was_acknowledged_is_lost_when_the_engine_is_killed(index, engine_stack):
    before, after = Post(new_post_id(), 1, "tea"), Post(new_post_id(), 1, "tea")
    assert await index.write([post_write(before)]) == [None]

    engine_stack.stack.kill(OpenSearch.name)
    with pytest.raises(StoreUnavailable):
        await index.write([post_write(after)])
    engine_stack.stack.restart(OpenSearch.name)

    async def written():
        with suppress(StoreUnavailable):
            return await index.write([post_write(after)]) == [None]

    found = []

    async def searched():
        with suppress(StoreUnavailable):  # the index of users may come back later
            await index.refresh()
            found.append(set(await index.newest(PostFilter(parse("tea")), None, 10)))
        return found

    await until(written)
    await until(searched)
    assert found == [{before.id, after.id}]
