"""Calls functions of a Lua library in Redis, and loads the library where it is missing.

Functions (Redis 7.0 and later, Valkey) instead of EVALSHA scripts: AOF, RDB and replicas keep them, so they survive a
restart or a failover; helpers are parsed once; and a call names what it does. The library's digest is part of all its
names, so that during an upgrade each worker calls its own version. Comments are left out of it.

A call may carry a deadline, which ``RedisClocks`` converts to the server's own time, so that Redis refuses a late call.
A check in this process would not do: it can be frozen between its last look at the clock and the arrival of the call.
"""

import hashlib
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from redis.exceptions import ResponseError

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis.connection import CallKeys, Redis
from microblog_streams.stores.redis.pipeline import CommandBatcher
from microblog_streams.stores.redis.server import ONLY, Command, Server, ServerCall, SlotMoving

#: How long a measured clock offset is used. Clocks drift apart by some 0.1 ms a minute; the limit is for the case that
#: the server's clock is set.
MEASURE_SECONDS: Final = 60.0


class _Measured(NamedTuple):
    offset: float
    at: float

    def micros(self, deadline: float) -> int:
        return int((deadline + self.offset) * 1_000_000)


class RedisClocks:
    """The offset of each server's clock to ``time.monotonic``, never too large: a deadline can only come out early."""

    def __init__(self) -> None:
        """Start without measurements."""
        self._measured: dict[str, _Measured] = {}

    def forget(self) -> None:
        """Measure again before the next use, since another server may answer then."""
        self._measured.clear()

    async def micros(self, deadline: float, server: Server) -> int:
        """Convert a deadline (``time.monotonic``, seconds) to the server's time in µs. Raises what redis-py raises."""
        known = self.known(deadline, server.name)
        if known is not None:
            return known
        measured = self._measured[server.name] = await _measure(server)
        return measured.micros(deadline)

    def known(self, deadline: float, server: str) -> int | None:
        """Return the same if the server was measured within ``MEASURE_SECONDS``."""
        measured = self._measured.get(server)
        if measured is None or time.monotonic() - measured.at > MEASURE_SECONDS:
            return None
        return measured.micros(deadline)


async def _measure(server: Server) -> _Measured:
    seconds, micros = await server.execute("TIME")
    # Our clock is read after the answer, so its transit, and a freeze of this process, count as elapsed time: a
    # deadline can only come out too early.
    now = time.monotonic()
    return _Measured(seconds + micros / 1_000_000 - now, now)


#: The server's answer: an int, bytes, None, or a list of these.
Reply: TypeAlias = Any
#: The error of Redis and Valkey for a function that is not loaded.
_NOT_LOADED: Final = "Function not found"


def library(source: str) -> tuple[str, str]:
    """Return a library without comment lines and with its digest for ``VERSION``, and the digest (12 hex digits)."""
    code = "".join(line for line in source.splitlines(keepends=True) if not line.lstrip().startswith("--"))
    version = hashlib.sha256(code.encode()).hexdigest()[:12]
    return code.replace("VERSION", version), version


class RedisFunctions:
    """The functions of one Lua file, in which ``VERSION`` stands for its digest. All calls raise StoreUnavailable.

    ``deadline`` (``time.monotonic``, seconds) becomes the last argument, in the time of the server that gets the call.
    """

    def __init__(self, redis: Redis, path: Path, prefix: str) -> None:
        """Read the file; its functions are named ``<prefix>_<name>_VERSION``."""
        self._source, version = library(path.read_text())
        self._redis = redis
        self._name = f"{prefix}_%s_{version}"
        self.clocks = RedisClocks()
        redis.on_change(self.clocks.forget)

    async def read(self, name: str, keys: CallKeys, args: Sequence[bytes | int]) -> Reply:
        """Call a read-only function, in a pipeline with other concurrent reads."""
        return await self._together(self._redis.read, name, keys, args, None)

    async def change(
        self, name: str, keys: CallKeys, args: Sequence[bytes | int], deadline: float | None = None
    ) -> Reply:
        """Call a function with a few keys, in a pipeline with other concurrent changes."""
        return await self._together(self._redis.change, name, keys, args, deadline)

    async def _together(
        self, send: CommandBatcher, name: str, keys: CallKeys, args: Sequence[bytes | int], deadline: float | None
    ) -> Reply:
        if self._redis.clustered:
            # ``call`` finds the server, and its clock.
            return await self.call(name, keys, args, deadline)
        try:
            until = () if deadline is None else (await self._micros(deadline, keys[0]),)
            return await send("FCALL", self._name % name, len(keys), *keys, *args, *until)
        except StoreUnavailable:
            self.clocks.forget()
            raise
        except ResponseError as error:
            if _NOT_LOADED not in str(error):
                raise
        return await self.call(name, keys, args, deadline)

    async def _micros(self, deadline: float, key: bytes) -> int:
        known = self.clocks.known(deadline, ONLY)
        return await self._redis.run_on(key, partial(self.clocks.micros, deadline)) if known is None else known

    async def call(
        self, name: str, keys: CallKeys, args: Iterable[bytes | int], deadline: float | None = None
    ) -> Reply:
        """Call a function; load the library and repeat if the function is missing, as after a flush.

        A call of a missing function did nothing, so repeating it is safe.
        """

        async def run(server: Server) -> Reply:
            command = await self._command(server, name, keys, args, deadline)
            try:
                return await server.execute(*command)
            except ResponseError as error:
                if _NOT_LOADED not in str(error):
                    raise
            await server.execute("FUNCTION LOAD", "REPLACE", self._source)
            return await server.execute(*command)

        return await self._ask(keys[0], run)

    async def call_each(
        self, name: str, calls: Sequence[CallKeys], args: Sequence[bytes | int], deadline: float | None = None
    ) -> list[Reply]:
        """Make several calls with different keys in one write, to the server that has the keys of the first.

        Returns an answer for each call; one for each key of a call whose slot is being moved between two servers.
        """
        if len(calls) == 1:
            return await self._call_or_split(name, calls[0], args, deadline)

        async def run(server: Server) -> list[Reply]:
            commands = [await self._command(server, name, keys, args, deadline) for keys in calls]
            answers = await server.together(commands)
            for answer in answers:
                if isinstance(answer, Exception) and not isinstance(answer, ResponseError):
                    raise answer
            return answers

        replies = []
        for keys, answer in zip(calls, await self._ask(calls[0][0], run), strict=True):
            refused = isinstance(answer, ResponseError)
            replies += await self._call_or_split(name, keys, args, deadline) if refused else [answer]
        return replies

    async def _ask(self, key: bytes, run: ServerCall[Reply]) -> Reply:
        try:
            return await self._redis.run_on(key, run)
        except StoreUnavailable:
            # The next call may reach another server, with another clock.
            self.clocks.forget()
            raise

    async def _call_or_split(
        self, name: str, keys: CallKeys, args: Sequence[bytes | int], deadline: float | None
    ) -> list[Reply]:
        try:
            return [await self.call(name, keys, args, deadline)]
        except SlotMoving:
            return [await self.call(name, [key], args, deadline) for key in keys]

    async def _command(
        self, server: Server, name: str, keys: CallKeys, args: Iterable[bytes | int], deadline: float | None
    ) -> Command:
        until = () if deadline is None else (await self.clocks.micros(deadline, server),)
        return ("FCALL", self._name % name, len(keys), *keys, *args, *until)
