"""A beat in every partition: an author who posts several times a second, and how long each post takes to its follower.

While a partition is on its way from one worker to another, its posts wait: the longest wait is the time without
delivery.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast
from uuid import UUID

from benchmarks.client import Client
from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain.ids import encode_entry, encode_user
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import key

#: Seconds between posts of a partition, and between looks at a timeline.
EVERY, LOOK = 0.2, 0.02
#: Seconds after which a post is given up as lost.
LOST = 120.0

#: The posts of one partition with the time at which they were sent; None after the last.
Sent = asyncio.Queue[tuple[bytes, float] | None]


@dataclass
class Beats:
    """The authors with a follower each, by partition. ``client`` calls workers that stay."""

    client: Client
    redis: Redis
    pairs: Mapping[int, tuple[int, int]]

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[dict[int, float]]:
        """Post for the length of the block; after it, the longest wait (seconds) of each partition is known.

        Raises TimeoutError (in a group) for a post that never arrives.
        """
        waits, over = dict.fromkeys(self.pairs, 0.0), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for partition in self.pairs:
                sent: Sent = asyncio.Queue()
                group.create_task(self._post(partition, sent, over))
                group.create_task(self._watch(partition, sent, waits))
            try:
                yield waits
            finally:
                over.set()

    async def _post(self, partition: int, sent: Sent, over: asyncio.Event) -> None:
        author = self.pairs[partition][0]
        while not over.is_set():
            begun = perf_counter()
            item = await self.client.post(author, "beat")
            sent.put_nowait((encode_entry(UUID(item.post_id), author), begun))
            await asyncio.sleep(max(0.0, EVERY - (perf_counter() - begun)))
        sent.put_nowait(None)

    async def _watch(self, partition: int, sent: Sent, waits: dict[int, float]) -> None:
        timeline = key(self.pairs[partition][1])
        while (post := await sent.get()) is not None:
            entry, begun = post
            async with asyncio.timeout(LOST):
                await self._arrived(timeline, entry)
            waits[partition] = max(waits[partition], perf_counter() - begun)

    async def _arrived(self, timeline: bytes, entry: bytes) -> None:
        while True:
            if await self.redis.client.lpos(cast(Any, timeline), cast(Any, entry)) is not None:
                return
            await asyncio.sleep(LOOK)


async def beats(client: Client, redis: Redis, partitions: int) -> Beats:
    """Register an author for every partition, with a follower whose timeline is warm."""
    pairs: dict[int, tuple[int, int]] = {}
    while len(pairs) < partitions:
        author = await client.register()
        partition = partition_of(encode_user(author), partitions)
        if partition not in pairs:
            pairs[partition] = (author, await client.register())
            await client.follow(pairs[partition][1], author)
            await client.warm(pairs[partition][1])
    return Beats(client, redis, pairs)
