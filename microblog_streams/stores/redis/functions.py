"""Turns this process' deadlines into Redis' own time, so that Redis itself refuses what comes too late.

A process can be frozen at any point, also between its last look at the clock and the arrival of its write. So the
write carries its deadline, and the server compares it with the server's clock.

Calls functions of a Lua library in Redis, and loads the library wherever it is not there.

Functions (Redis 7.0 and later, Valkey) rather than EVALSHA scripts: AOF and RDB keep them and replicas get them, so
that a restart or a failover normally brings them along; helpers are shared and parsed once; a call names what it does.
The library's digest is part of all its names, so during an upgrade each worker calls the code that it came with.
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

#: Seconds for which a measured difference of the clocks is used. They drift apart by some 0.1 ms in a minute; what
#: this bounds is the effect of somebody setting the server's clock.
MEASURE_SECONDS: Final = 60.0


class _Measured(NamedTuple):
    offset: float
    at: float

    def micros(self, deadline: float) -> int:
        return int((deadline + self.offset) * 1_000_000)


class RedisClocks:
    """The differences between ``time.monotonic`` and each server's clock, never too large."""

    def __init__(self) -> None:
        """Measure nothing yet."""
        self._measured: dict[str, _Measured] = {}

    def forget(self) -> None:
        """Measure again before the next use: another server may answer by now."""
        self._measured.clear()

    async def micros(self, deadline: float, server: Server) -> int:
        """Return a deadline (``time.monotonic``, seconds) as the server's time in µs. Raises what redis-py raises."""
        known = self.known(deadline, server.name)
        if known is not None:
            return known
        measured = self._measured[server.name] = await _measure(server)
        return measured.micros(deadline)

    def known(self, deadline: float, server: str) -> int | None:
        """Return the same where that server was measured lately."""
        measured = self._measured.get(server)
        if measured is None or time.monotonic() - measured.at > MEASURE_SECONDS:
            return None
        return measured.micros(deadline)


async def _measure(server: Server) -> _Measured:
    seconds, micros = await server.execute("TIME")
    # Our clock is read after the answer, so the way of the answer counts as time that is gone: a deadline can
    # only come out too early, also where this process was frozen in between.
    now = time.monotonic()
    return _Measured(seconds + micros / 1_000_000 - now, now)


#: What the server answers: an int, bytes, None, or a list of these.
Reply: TypeAlias = Any
#: What Redis and Valkey answer to a call of a function that is not loaded.
_NOT_LOADED: Final = "Function not found"


class RedisFunctions:
    """The functions of one Lua file, in which ``VERSION`` stands for its digest. All calls raise StoreUnavailable.

    ``deadline`` (``time.monotonic``, seconds) becomes a call's last argument, in the time of the server that gets it.
    """

    def __init__(self, redis: Redis, path: Path, prefix: str) -> None:
        """Read the file; its functions are named ``<prefix>_<name>_VERSION``."""
        source = path.read_text()
        version = hashlib.sha256(source.encode()).hexdigest()[:12]
        self._redis = redis
        self._source = source.replace("VERSION", version)
        self._name = f"{prefix}_%s_{version}"
        self.clocks = RedisClocks()
        redis.on_change(self.clocks.forget)

    async def read(self, name: str, keys: CallKeys, args: Sequence[bytes | int]) -> Reply:
        """Call a function that changes nothing that counts, together with the other reads of the moment."""
        return await self._together(self._redis.read, name, keys, args, None)

    async def change(
        self, name: str, keys: CallKeys, args: Sequence[bytes | int], deadline: float | None = None
    ) -> Reply:
        """Call a function with a few keys, together with the other small changes of the moment."""
        return await self._together(self._redis.change, name, keys, args, deadline)

    async def _together(
        self, send: CommandBatcher, name: str, keys: CallKeys, args: Sequence[bytes | int], deadline: float | None
    ) -> Reply:
        if self._redis.clustered:
            # Which of the servers it goes to, and when that is too late, is known to ``call`` alone.
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
        """Call a function; after a flush or a server without our library, load it first.

        A call that found no function did nothing, so it is safe to repeat.
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
        """Make calls that differ in their keys, in one write to the server that has the first one's.

        Returns an answer for each call; for each key of it where its slot is being moved and they lie on two servers.
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
            # The next answer may be another server's, with another clock.
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
