"""The worker registry: which workers run and which partitions each has, with a time to live.

One key for each worker, and a sorted set of their names by expiry, so that listing needs no scan. The entry of a worker
that died expires. Expiry is by the clock of the server that has the set: by its own clock, a worker whose clock is
ahead would remove all others.
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
    """One worker: the URL of its web server, its topic set (``generation``), and its partitions of the table.

    ``since``: the start of its process; None from releases without this field.
    """

    name: str
    url: str
    roles: str
    partitions: tuple[int, ...]
    generation: int = 1
    since: datetime | None = None


_worker = TypeAdapter(Worker)


class WorkerRegistry:
    """All methods raise StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        """Keep the registry in ``redis``."""
        self._redis = redis

    async def announce(self, worker: Worker, ttl: float) -> None:
        """Register a worker; to be repeated within ``ttl`` seconds."""
        async with self._redis.translated() as client:
            await client.set(_key(worker.name), _worker.dump_json(worker), px=int(ttl * 1000))

        async def add_to_list(server: Server) -> None:
            now, _ = await server.execute("TIME")
            await server.execute("ZADD", NAMES, now + ttl, worker.name)
            await server.execute("ZREMRANGEBYSCORE", NAMES, 0, now - ttl)

        await self._redis.run_on(NAMES.encode(), add_to_list)

    async def withdraw(self, name: str) -> None:
        """Remove a worker that stops."""
        async with self._redis.translated() as client:
            await client.delete(_key(name))
            await client.zrem(NAMES, name)

    async def workers(self) -> Sequence[Worker]:
        """Return the registered workers, by name."""
        async with self._redis.translated() as client:
            names: list[bytes] = sorted(cast(list[bytes], await client.zrange(NAMES, 0, -1)))
        values = await self._redis.get_many([_key(name.decode()) for name in names]) if names else []
        found = [_read(value) for value in values if value is not None]
        return [worker for worker in found if worker is not None]


def _key(name: str) -> str:
    return f"worker:{name}"


def _read(value: bytes) -> Worker | None:
    """Parse a worker; None for a value of another release that this one cannot read."""
    try:
        return _worker.validate_json(value)
    except ValidationError:
        return None
