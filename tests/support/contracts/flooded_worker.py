"""One address opens far more live streams than it may: it gets as many as it may, and all others are served."""

import asyncio
from contextlib import aclosing

import aiohttp

from microblog_streams.client import Client
from tests.support.live.flood import CLOSED, flood
from tests.support.waiting import DEADLINE_SECONDS, until

#: As delivered: streams of an address.
ALLOWED = 64
#: The address that opens too many, and another one.
GREEDY, OTHER = "127.0.0.2", "127.0.0.3"


async def check_others_are_served(workers, people, kafka, eventually, connections: int) -> None:
    """A worker with the limits that are delivered, and so many connections of one address."""
    worker = workers().start(MAX_STREAMS_PER_ADDRESS=str(ALLOWED), MAX_CONNECTIONS_PER_ADDRESS="256")
    eventually(worker.well, worker)
    user, author = people.register(worker), people.register(worker)
    people.follow(worker, user, author)
    await asyncio.to_thread(eventually, lambda: kafka.all_applied(worker), worker)
    async with asyncio.timeout(DEADLINE_SECONDS), _from(OTHER) as session, Client(worker.url, session=session) as other:
        async with flood(worker.port, user, GREEDY, connections) as greedy:
            assert greedy.statuses[200] == ALLOWED
            # Up to 256 connections of an address are taken: all above are told so with 503, or closed.
            assert greedy.statuses[429] > 0
            assert set(greedy.statuses) <= {200, 429, 503, CLOSED}
            assert greedy.statuses.total() == connections
            async with aclosing(other.live(user)) as events:
                assert (await anext(events)).kind == "reset"
                post = await other.post("told", author=author)
                assert (await other.timeline(author).page()).items == (post,)
                assert (await anext(events)).post == post
        await until(lambda: _gets_a_stream_again(worker, user))


async def _gets_a_stream_again(worker, user: int) -> bool:
    async with flood(worker.port, user, GREEDY, 1) as again:
        return again.statuses[200] == 1


def _from(address: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(address, 0)))
