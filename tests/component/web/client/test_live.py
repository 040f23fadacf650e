"""Following a timeline with the client: events as objects, and breaks that lose nothing."""

import asyncio
from contextlib import aclosing

import pytest

from microblog_streams.client import Identity, NotFound
from microblog_streams.client import live as client_live
from microblog_streams.domain.ids import PUBLIC, encode_entry, new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.ports.live import Change
from tests.support.waiting import DEADLINE_SECONDS


async def arrive(front, text):
    """A post of bob arrives on ann's timeline, as the agents push it."""
    post = Post(new_post_id(), 2, text)
    await front.app.post_cache.fill([post])
    await front.app.timelines.push([1], encode_entry(post.id, 2))
    return post


async def test_events_are_told_as_they_come(front, anybody):
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(anybody.acting_as(Identity(1)).live()) as events:
        reset = await anext(events)
        post = await arrive(front, "hello")
        arrived = await anext(events)
        await front.app.timelines.live.announce([1], Change.DELETE, post.id.bytes)
        deleted = await anext(events)

    assert (reset.kind, arrived.kind, deleted.kind) == ("reset", "post", "delete")
    assert (arrived.post.content, arrived.post.username) == ("hello", "bob")
    assert deleted.post_id == post.id


async def test_the_public_timeline_is_followed_without_an_account(front, anybody):
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(anybody.live_public()) as events:
        reset = await anext(events)
        post = Post(new_post_id(), 2, "hello")
        await front.app.post_cache.fill([post])
        await front.app.timelines.push([PUBLIC], encode_entry(post.id, 2))
        arrived = await anext(events)

    assert (reset.kind, arrived.post.content) == ("reset", "hello")
    assert [found.content async for found in anybody.public_timeline()] == ["hello"]


async def test_after_a_break_it_goes_on_where_it_was(front, anybody, impatient):
    async with asyncio.timeout(DEADLINE_SECONDS), aclosing(anybody.acting_as(Identity(1)).live()) as events:
        await anext(events)
        await arrive(front, "one")
        first = await anext(events)
        for feed in front.app.operations.live._feeds.values():
            for reader in feed.readers:
                reader.end()
        await arrive(front, "two")
        second = await anext(events)

    assert [first.post.content, second.post.content] == ["one", "two"]


async def test_an_error_that_will_not_pass_is_raised(anybody):
    with pytest.raises(NotFound):
        await anext(anybody.live(99))


async def test_comments_and_split_data_are_read_as_the_standard_says():
    async def lines():
        for line in [": heartbeat", "", "event: x", "data: a", "data:b", "id", ""]:
            yield line

    assert [fields async for fields in client_live.blocks(lines())] == [{}, {"event": "x", "data": "a\nb", "id": ""}]
