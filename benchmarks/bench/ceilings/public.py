"""What one more push a post costs, to a list that all posts share: the public timeline.

    python -m benchmarks.bench.ceilings.public [ROUNDS]

Pairs in turns: posts of 16 authors are pushed to their followers as the fan-out does, without and with the shared list.
Each author's posts come in order, but those of different authors do not, so that most entries are late on the shared
list, by up to 15 places. Prints for each number of followers the CPU of server and client in microseconds a post, the
least of all rounds. Nothing is scanned or stored.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

import uvloop

from microblog_streams.config.settings import load_settings
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines

#: Ids that no user has: the list that stands for the public one, and those of the authors, each with followers behind.
SHARED: Final = 900_000_000
AUTHORS: Final = range(900_001_000, 900_017_000, 1_000)
FOLLOWERS: Final = (0, 10, 100, 350)
#: Posts of each author.
POSTS: Final = 40
#: Pushes on their way at a time, as in a worker's window.
CONCURRENT: Final = 8
#: Server and client.
Costs = tuple[float, float]


def posts() -> list[tuple[int, bytes]]:
    """Return authors and entries in the order of their pushes."""
    ordered = []
    for _ in range(POSTS):
        one_of_each = [(author, encode_entry(new_post_id(), author)) for author in AUTHORS]
        random.shuffle(one_of_each)
        ordered += one_of_each
    return ordered


async def push_all(timelines: Timelines, followers: int, shared: list[int]) -> None:
    """Push posts to their authors, the shared list and the followers."""
    waiting = iter(posts())

    async def work() -> None:
        for author, entry in waiting:
            await timelines.push([author, *shared, *range(author + 1, author + 1 + followers)], entry)

    await asyncio.gather(*(work() for _ in range(CONCURRENT)))


async def cost(redis: Redis, timelines: Timelines, followers: int, shared: list[int]) -> Costs:
    """Return the CPU of server and client in microseconds a post."""
    server, client = await _server_seconds(redis), time.process_time()
    await push_all(timelines, followers, shared)
    client, server = time.process_time() - client, await _server_seconds(redis) - server
    return server / (POSTS * len(AUTHORS)) * 1e6, client / (POSTS * len(AUTHORS)) * 1e6


async def _server_seconds(redis: Redis) -> float:
    async with redis.translated() as client:
        info: dict[str, Any] = await client.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


async def pair(redis: Redis, timelines: Timelines, followers: int, rounds: int) -> Mapping[str, Costs]:
    """Return the least costs without and with the shared list; the first round only fills lists."""
    kinds: dict[str, list[int]] = {"without": [], "with": [SHARED]}
    found = [
        {name: await cost(redis, timelines, followers, shared) for name, shared in kinds.items()}
        for _ in range(rounds + 1)
    ]
    return {name: _least([each[name] for each in found[1:]]) for name in kinds}


def _least(costs: list[Costs]) -> Costs:
    return round(min(server for server, _ in costs), 1), round(min(client for _, client in costs), 1)


async def measure(rounds: int) -> Mapping[int, Mapping[str, Costs]]:
    """Return the costs by followers, and leave no list behind."""
    redis = Redis(load_settings())
    await redis.connect()
    timelines = Timelines(redis)
    users = [SHARED, *[author + number for author in AUTHORS for number in range(max(FOLLOWERS) + 1)]]
    for user in users:
        await timelines.create(user)
    found = {followers: await pair(redis, timelines, followers, rounds) for followers in FOLLOWERS}
    for user in users:
        await timelines.remove(user)
    await redis.close()
    return found


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(measure(int(sys.argv[1]) if sys.argv[1:] else 5))))
