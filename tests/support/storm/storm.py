"""A follow storm: very many people follow the same one, while an author of the same partition goes on posting."""

import asyncio
import itertools
from dataclasses import dataclass

from benchmarks.client import Client, client, side_by_side
from benchmarks.expectation import Item
from benchmarks.memory import memory
from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain.ids import encode_user
from tests.support.live.kafka import Kafka
from tests.support.live.worker import Worker
from tests.support.waiting import DEADLINE_SECONDS, until

#: Calls at a time.
CALLERS = 32
PARTITIONS = 8
#: Seconds within which a post of the bystander has arrived, on a busy machine too, and the storm has been worked off.
ARRIVE, DEADLINE = DEADLINE_SECONDS, 600.0


@dataclass
class Storm:
    """What came of one."""

    followers: int
    #: Posts of the bystander that arrived while the storm lasted.
    posts: int = 0
    #: Followers who have the star's post, which was written after the storm.
    reached: int = 0
    #: MiB by which the worker's memory grew.
    grown: float = 0.0


def follow_storm(worker: Worker, kafka: Kafka, followers: int) -> Storm:
    """Have so many people, new ones, follow one star."""
    return asyncio.run(_storm(worker, kafka, followers))


async def _storm(worker: Worker, kafka: Kafka, followers: int) -> Storm:
    storm = Storm(followers)
    async with client([worker.url]) as rest:
        star, bystander, reader = await _cast(rest)
        people = [*(await side_by_side(CALLERS, lambda _: rest.register(), range(followers), _nothing)).values()]
        before = _rss(worker)
        over = asyncio.Event()
        beside = asyncio.create_task(_post_on(rest, bystander, reader, over))
        try:
            await side_by_side(CALLERS, lambda person: rest.follow(person, star), people, _nothing)
        finally:
            over.set()
        storm.posts = await beside
        await until(lambda: _worked_off(rest, kafka), seconds=DEADLINE)
        storm.grown = _rss(worker) - before
        post = await rest.post(star, "to everybody")
        await until(lambda: _worked_off(rest, kafka), seconds=DEADLINE)
        arrived = await side_by_side(CALLERS, lambda person: _has(rest, person, post), people, _nothing)
        storm.reached = sum(arrived.values())
    return storm


async def _cast(rest: Client) -> tuple[int, int, int]:
    """Register a star, a bystander of the same partition, and a reader of the bystander."""
    star, reader = await rest.register(), await rest.register()
    bystander = await rest.register()
    while _partition(bystander) != _partition(star):
        bystander = await rest.register()
    await rest.follow(reader, bystander)
    return star, bystander, reader


async def _post_on(rest: Client, author: int, reader: int, over: asyncio.Event) -> int:
    for count in itertools.count():
        if over.is_set():
            return count
        post = await rest.post(author, f"beside {count}")
        await until(lambda post=post: _has(rest, reader, post), seconds=ARRIVE)
    raise AssertionError("counting has no end")


async def _has(rest: Client, person: int, post: Item) -> bool:
    return post in await rest.timeline(person)


async def _worked_off(rest: Client, kafka: Kafka) -> bool:
    (health,) = await rest.health()
    return health["outbox"]["depth"] == 0 and not await asyncio.to_thread(kafka.behind)


def _rss(worker: Worker) -> float:
    assert worker.process is not None
    return memory({worker.name: worker.process.pid})[worker.name]["rss"]


def _partition(user: int) -> int:
    return partition_of(encode_user(user), PARTITIONS)


def _nothing() -> None:
    """Discard the report."""
