"""What happens to timelines that are followed live: their logs in Redis, and the signal that wakes the workers.

A push appends the entry to the log of each timeline that is followed, in the call that puts it on the list
(``timelines.lua``), so the two cannot differ. Then it publishes those timelines' keys, once for all of a call. The
signal may be lost; the log is read at intervals in any case.

A position is the id of an entry in the log, a stream of Redis. A reader's position that is not in the log any more says
that entries may be missing after it: the log was cut, its lease had lapsed, or Redis has lost it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Hashable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from time import monotonic
from typing import Final

from redis import exceptions
from redis.asyncio.connection import AbstractConnection

from microblog_streams.aio.failures import best_effort
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.ports.live import Arrival, Change
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.server import unavailable
from microblog_streams.stores.redis.timeline_keys import PREFIX
from microblog_streams.stores.redis.timelines import functions, keys

#: How long a timeline is logged after its last reader was seen; a reader may come back within this time.
LEASE_SECONDS: Final = 600
#: The channel of the signal. A message has the keys of timelines; one that begins with ``!`` means any timeline.
CHANNEL: Final = b"live:wake"
#: A subscription without a message is tested after so many seconds, and is broken if nothing comes for twice as long.
SILENCE_SECONDS: Final = 5.0
#: Timelines of one call.
_USERS_PER_CALL: Final = 350
#: Both numbers have 64 bits; one with more digits would be an error of Redis.
_POSITION: Final = re.compile(r"[0-9]{1,19}-[0-9]{1,19}", re.ASCII)
_USER: Final = re.compile(rb"[0-9]+$")


class LiveLogs:
    """The ``LiveLog``."""

    def __init__(self, redis: Redis) -> None:
        """Share ``redis``, which need not be connected yet."""
        self._redis = redis
        self._keys = keys(redis)
        self._functions = functions(redis)
        self._telling: asyncio.Task[None] | None = None
        #: The servers in use at the last subscription, None before the first.
        self._servers: Hashable = None
        redis.on_asking(self._on_asking)

    async def listen(self, users: Sequence[int]) -> Sequence[str]:
        """Begin or renew the leases; return the newest position in the log of each timeline."""
        newest: dict[bytes, bytes] = {}
        for calls in self._calls(users):
            for call in calls:
                newest.update(
                    zip(call, await self._functions.change("listen", call, (LEASE_SECONDS * 1000,)), strict=True)
                )
        return [newest[self._keys.of(user)].decode() for user in users]

    async def since(self, user: int, position: str, limit: int) -> Sequence[Arrival] | None:
        """Return up to ``limit`` entries after a position; None if the log does not have the position."""
        if not _POSITION.fullmatch(position):
            return None
        found = await self._redis.read("XRANGE", self._keys.log(user), position, "+", "COUNT", limit + 1)
        if not found or found[0][0] != position.encode():
            return None
        return [_arrival(*entry) for entry in found[1:]]

    async def any(self) -> bool:
        """Return whether any timeline is followed: one command, on a cluster one for each bucket."""
        there = await asyncio.gather(*(self._redis.read("EXISTS", key) for key in self._keys.listeners()))
        return any(there)

    async def announce(self, users: Sequence[int], change: Change, value: bytes = b"") -> int:
        """Log a change for the users whose timelines are followed; return their number."""
        told = 0
        for calls in self._calls(users):
            told += sum(await self._functions.call_each("announce", calls, (change.value.encode(), value)))
        return told

    async def reset_all(self) -> int:
        """Log a RESET for every timeline that is followed; return their number."""
        found = await asyncio.gather(*(self._redis.read("SMEMBERS", key) for key in self._keys.listeners()))
        return await self.announce(_users_of(chain.from_iterable(found)), Change.RESET)

    @asynccontextmanager
    async def wakes(self) -> AsyncIterator[AsyncIterator[Sequence[int]]]:
        """Subscribe; yield the users of each message, and an empty sequence for a message that means all.

        The first is such a one where other primaries of a cluster are used than at the last subscription. They are as
        soon as a slot moves to a server that had none, which is when logs may lack entries, and what was told of that
        until now is lost.
        """
        servers = self._redis.servers
        connection = self._redis.new_connection()
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command("SUBSCRIBE", CHANNEL)
            # The confirmation: nothing that is published from here on is missed.
            await connection.read_response(disable_decoding=True, timeout=self._redis.timeout)
            others, self._servers = self._servers not in (None, servers), servers
            yield self._messages(connection, servers, doubtful=others and self._redis.clustered)
        except (exceptions.RedisError, OSError) as error:
            raise unavailable(error) or StoreUnavailable(self._redis.name, str(error)) from error
        finally:
            await connection.disconnect(nowait=True)

    def _on_asking(self, key: bytes) -> None:
        """Tell all workers that a log may lack an entry.

        A server that is importing a slot may have a timeline already, and not yet the set that says who listens: there
        the push cannot know of it.
        """
        if key.startswith(PREFIX) and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(best_effort("live_gap", lambda: self._publish_possible_gap(key), None))

    async def _publish_possible_gap(self, key: bytes) -> None:
        async with self._redis.translated() as client:
            await client.publish(CHANNEL, b"!" + key)

    async def _messages(
        self, connection: AbstractConnection, servers: Hashable, doubtful: bool
    ) -> AsyncIterator[Sequence[int]]:
        """Yield what comes. Raises StoreUnavailable where other servers are used now: this one may hear of nothing."""
        if doubtful:
            yield ()
        heard_at = monotonic()
        while True:
            message = await connection.read_response(disable_decoding=True, timeout=SILENCE_SECONDS)
            if self._redis.servers != servers:
                raise StoreUnavailable(self._redis.name, "the subscription is at a server that was left")
            if message is not None:
                heard_at = monotonic()
                if message[0] == b"message":
                    yield _users(message[-1])
            elif monotonic() - heard_at > 2 * SILENCE_SECONDS:
                raise exceptions.TimeoutError("the subscription is silent")
            else:
                await connection.send_command("PING")

    def _calls(self, users: Sequence[int]) -> list[Sequence[Sequence[bytes]]]:
        """Return the keys as calls, those of one server together."""
        batches = [users[start : start + _USERS_PER_CALL] for start in range(0, len(users), _USERS_PER_CALL)]
        return [calls for batch in batches for calls in self._redis.by_server(self._keys.calls(batch)).values()]


def _users(message: bytes) -> Sequence[int]:
    if message.startswith(b"!"):
        return ()
    return _users_of(message.split(b" "))


def _users_of(keys: Iterable[bytes]) -> Sequence[int]:
    """Return the users of timelines' keys."""
    return [int(user.group()) for key in keys if (user := _USER.search(key))]


def _arrival(ident: bytes, fields: Sequence[bytes] | Mapping[bytes, bytes]) -> Arrival:
    """Return an entry. On a cluster redis-py makes a mapping of its fields; our pipelines leave them as they come."""
    name, value = next(iter(fields.items())) if isinstance(fields, Mapping) else fields
    kind = name.decode()
    return Arrival(ident.decode(), Change.RESET if kind == "o" else Change(kind), value)
