"""Calls functions of a Lua library in Redis, and loads the library wherever it is not there.

Functions (Redis 7.0 and later, Valkey) rather than EVALSHA scripts: AOF and RDB keep them and replicas get them, so
that a restart or a failover normally brings them along; helpers are shared and parsed once; a call names what it does.
The library's digest is part of all its names, so during an upgrade each worker calls the code that it came with.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from redis.exceptions import ResponseError

from microblog_streams.stores.redis import Redis
from microblog_streams.stores.redis_together import Together

#: What the server answers: an int, bytes, None, or a list of these.
Reply: TypeAlias = Any
#: What Redis and Valkey answer to a call of a function that is not loaded.
_NOT_LOADED: Final = "Function not found"


class RedisFunctions:
    """The functions of one Lua file, in which ``VERSION`` stands for its digest."""

    def __init__(self, redis: Redis, path: Path, prefix: str) -> None:
        """Read the file; its functions are named ``<prefix>_<name>_VERSION``."""
        source = path.read_text()
        version = hashlib.sha256(source.encode()).hexdigest()[:12]
        self._redis = redis
        self._source = source.replace("VERSION", version)
        self._name = f"{prefix}_%s_{version}"

    async def read(self, name: str, keys: Sequence[bytes], args: Sequence[bytes | int]) -> Reply:
        """Call a function that changes nothing that counts, together with the other reads of the moment."""
        return await self._together(self._redis.read, name, keys, args)

    async def change(self, name: str, keys: Sequence[bytes], args: Sequence[bytes | int]) -> Reply:
        """Call a function with a few keys, together with the other small changes of the moment."""
        return await self._together(self._redis.change, name, keys, args)

    async def _together(self, send: Together, name: str, keys: Sequence[bytes], args: Sequence[bytes | int]) -> Reply:
        try:
            return await send("FCALL", self._name % name, len(keys), *keys, *args)
        except ResponseError as error:
            if _NOT_LOADED not in str(error):
                raise
        return await self.call(name, keys, args)

    async def call(self, name: str, keys: Sequence[bytes], args: Iterable[bytes | int]) -> Reply:
        """Call a function; after a flush or a server without our library, load it first. Raises StoreUnavailable.

        A call that found no function did nothing, so it is safe to repeat.
        """
        function = self._name % name
        async with self._redis.translated() as client:
            try:
                return await client.fcall(function, len(keys), *keys, *args)
            except ResponseError as error:
                if _NOT_LOADED not in str(error):
                    raise
            await client.function_load(self._source, replace=True)
            return await client.fcall(function, len(keys), *keys, *args)
