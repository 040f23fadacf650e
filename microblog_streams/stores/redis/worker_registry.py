"""Which workers run, and which partitions each of them has: in Redis, with a time to live.

One key a worker, and a sorted set of their names by the time at which they are forgotten, so that listing reads two
keys and scans none. A worker that dies is gone when its time is up; nobody has to notice. Times are those of the
server that has the set: by its own clock a worker whose clock is ahead would remove all the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from pydantic import TypeAdapter, ValidationError

from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.server import Server

NAMES = "workers"


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker: where its web server is, its generation of topics, and the partitions of the table that it has.

    ``since``: when its process began, which releases before this field do not tell.
    """

    name: str
    url: str
    roles: str
    partitions: tuple[int, ...]
    generation: int = 1
    since: datetime | None = None


_worker = TypeAdapter(Worker)


class WorkerRegistry:
    """The workers. All methods raise StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        """Take the connection."""
        self._redis = redis

    async def announce(self, worker: Worker, ttl: float) -> None:
        """Say that a worker runs; to be repeated within ``ttl`` seconds."""
        async with self._redis.translated() as client:
            await client.set(_key(worker.name), _worker.dump_json(worker), px=int(ttl * 1000))

        async def list_it(server: Server) -> None:
            now, _ = await server.execute("TIME")
            await server.execute("ZADD", NAMES, now + ttl, worker.name)
            await server.execute("ZREMRANGEBYSCORE", NAMES, 0, now - ttl)

        await self._redis.run_on(NAMES.encode(), list_it)

    async def withdraw(self, name: str) -> None:
        """Say that a worker stops."""
        async with self._redis.translated() as client:
            await client.delete(_key(name))
            await client.zrem(NAMES, name)

    async def workers(self) -> Sequence[Worker]:
        """Return the workers that run, by name."""
        async with self._redis.translated() as client:
            names: list[bytes] = sorted(cast(list[bytes], await client.zrange(NAMES, 0, -1)))
        values = await self._redis.get_many([_key(name.decode()) for name in names]) if names else []
        found = [_read(value) for value in values if value is not None]
        return [worker for worker in found if worker is not None]


def _key(name: str) -> str:
    return f"worker:{name}"


def _read(value: bytes) -> Worker | None:
    """Return the worker; None for what another release wrote and this one cannot read."""
    try:
        return _worker.validate_json(value)
    except ValidationError:
        return None
