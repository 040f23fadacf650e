"""Live timelines through the gateway: told as they come, and gone on with on the other worker when one stops."""

import asyncio
from contextlib import aclosing

from microblog_streams.client import Client
from tests.support.waiting import DEADLINE_SECONDS


async def readers_of(worker):
    metrics = await asyncio.to_thread(worker.call, "GET", "/metrics")
    return "microblog_live_readers 1.0" in metrics.body


async def test_a_stream_goes_on_when_its_worker_stops(pair, front, people, restart, kafka, eventually):
    user, author = people.register(front), people.register(front)
    people.follow(front, user, author)
    # A follow that takes effect is a reset.
    await asyncio.to_thread(eventually, lambda: kafka.all_applied(pair[0]), *pair)

    async with asyncio.timeout(DEADLINE_SECONDS), Client(front.url) as client, aclosing(client.live(user)) as events:
        told = [await anext(events)]
        posts = [await client.post("one", author=author)]
        told.append(await anext(events))
        [serving] = [worker for worker in pair if await readers_of(worker)]
        assert await asyncio.to_thread(serving.stop) == 0
        posts.append(await client.post("two", author=author))
        told.append(await anext(events))
        await asyncio.to_thread(restart, serving)

    assert [event.kind for event in told] == ["reset", "post", "post"]
    assert [event.post.post_id for event in told[1:]] == [post.post_id for post in posts]
