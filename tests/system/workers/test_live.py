"""Live timelines on real parts: what one worker accepts is told by another, also after its reader was away."""

import asyncio
import uuid
from contextlib import aclosing

import pytest

from microblog_streams.client import Client
from tests.support.waiting import DEADLINE_SECONDS


@pytest.fixture(scope="module")
def two(module_workers, eventually):
    workers = [module_workers().start(AUTH="required") for _ in range(2)]
    eventually(lambda: all(worker.well() for worker in workers), *workers)
    return workers


async def registered(client):
    return client.acting_as((await client.register(f"t{uuid.uuid4().hex[:20]}")).identity)


async def told(events, count):
    """Return the next posts and deletions; resets are left out, since following is one."""
    found = []
    while len(found) < count:
        event = await anext(events)
        if event.kind != "reset":
            found.append(event)
    return found


async def test_posts_and_deletions_are_told_once_also_after_a_break(two, kafka, eventually):
    one, other = (worker.url for worker in two)
    async with asyncio.timeout(DEADLINE_SECONDS), Client(one) as writing, Client(other) as reading:
        bob = await registered(writing)
        ann = await registered(reading)
        await ann.follow(bob.me)
        await asyncio.to_thread(eventually, lambda: kafka.all_applied(two[0]), *two)
        async with aclosing(ann.live()) as events:
            await anext(events)
            first = await bob.post("one")
            seen = await told(events, 1)
            await bob.post("two")
            seen += await told(events, 1)
        await bob.post("three")
        await bob.delete_post(first.post_id)
        async with aclosing(ann.live(last_id=seen[-1].id)) as events:
            seen += await told(events, 2)

    contents = [event.post.content if event.post else event.post_id for event in seen]
    assert contents[:2] == ["one", "two"]
    assert set(contents[2:]) == {"three", first.post_id}
