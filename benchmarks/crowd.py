"""A person with a crowd of followers, made in seconds: an import would bring a million edges at some 1,700 a second.

The rows are written into the table's database of a worker that is not running: the very bytes that reading the
changelog back would put there. PostgreSQL does not know the followers, their ids are far above all others, and their
timelines are kept: copies, made in Redis, of a timeline that the store created.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

from rocksdict import Options, Rdict

from microblog_streams.ports import Row
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines, key
from tables.followers import NAME, encode_key, encode_row

#: The id of the first follower.
FIRST: Final = 1_000_000_000
#: Timelines a call.
_BATCH: Final = 1_000
_COPY: Final = "for at = 2, #KEYS do redis.call('COPY', KEYS[1], KEYS[at]) end"
_COUNT: Final = "local sum = 0 for _, key in ipairs(KEYS) do sum = sum + redis.call('LLEN', key) end return sum"


@dataclass(frozen=True)
class Crowd:
    """``count`` followers of one author."""

    author: int
    count: int

    @property
    def people(self) -> range:
        """The followers' ids, in the order in which a fan-out reaches them."""
        return range(FIRST, FIRST + self.count)

    def follow(self, tables: Path, partition: int) -> None:
        """Write the rows into a partition's database below a worker's folder; the worker must not run."""
        (path,) = tables.rglob(f"{NAME}-{partition}.db")
        row = encode_row(Row(1, True, datetime.now(UTC)))
        database = Rdict(str(path), Options(raw_mode=True))
        for follower in self.people:
            database[encode_key(self.author, follower)] = row
        database.close()

    async def keep(self, redis: Redis) -> None:
        """Make everybody's timeline, empty and complete."""
        first = self.people[0]
        timelines = Timelines(redis)
        await timelines.remove(first)  # an earlier crowd's: the store makes no list where there is one
        await timelines.create(first)
        await self.copy(redis)

    async def copy(self, redis: Redis) -> None:
        """Make everybody's timeline a copy of the first one's."""
        first, *others = self.people
        await _in_batches(others, lambda people: _eval(redis, _COPY, [first, *people]))

    async def entries(self, redis: Redis) -> int:
        """Return how many entries all timelines have together; the mark of each is not counted."""
        counts = await _in_batches(self.people, lambda people: _eval(redis, _COUNT, people))
        return sum(counts) - self.count


async def _in_batches(people: Sequence[int], work: Callable[[Sequence[int]], Awaitable[int]]) -> list[int]:
    queue = iter(people)
    return [await work(batch) for batch in iter(lambda: list(islice(queue, _BATCH)), [])]


async def _eval(redis: Redis, script: str, people: Sequence[int]) -> int:
    return int(await cast(Any, redis.client.eval(script, len(people), *map(key, people))) or 0)
