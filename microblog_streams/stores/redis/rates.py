"""How many requests each caller made lately, counted by the library limits: in Redis for all workers, or in this one.

Sliding window counters: two numbers a key and rate, whatever the rate, and no burst at the turn of a window. The
library's storage works on our own connections to Redis, so address, login, TLS and Sentinel are settled in one place.
Asking and counting are two round trips, each with the commands for all rates side by side: a refused request costs the
first one and counts nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from time import monotonic, time
from typing import Any, Final, cast

from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis as Client

from microblog_streams.aio.circuit_breaker import CircuitBreaker
from microblog_streams.domain.errors import NoAnswer
from microblog_streams.domain.rates import Left, Rate, Verdict
from microblog_streams.stores.redis.connection import Redis

#: Seconds that a request waits for its counters in Redis: far less than a store's time-out, for it can do without, and
#: enough for a busy worker's first connection.
TIMEOUT_SECONDS: Final = 0.2
#: Seconds between two walks over a worker's own counters that throw the ended ones away.
SWEEP_EVERY: Final = 10.0
PREFIX: Final = "rates"


class SharedRates:
    """The ``RateStore`` in Redis. Raises StoreUnavailable, at once while Redis is known to be silent."""

    def __init__(self, redis: Redis, patience: float = TIMEOUT_SECONDS) -> None:
        """Take the connections; ``patience`` is in seconds."""
        self._redis = redis
        self._patience = patience
        # Redis' own circuit opens after a whole time-out of a store: too late for what every request does first.
        self._circuit = CircuitBreaker(PREFIX, redis.answers)
        self._client: Client | None = None
        self._limiter: SlidingWindowCounterRateLimiter | None = None

    async def take(self, key: str, rates: Sequence[Rate]) -> Verdict:
        """Count in Redis. Raises StoreUnavailable, which leaves open whether the request was counted."""
        with self._circuit.call():
            try:
                async with asyncio.timeout(self._patience), self._redis.translated() as client:
                    return await _take(self._limiter_on(client), key, rates, asyncio.gather)
            except TimeoutError:
                raise NoAnswer(PREFIX, "no answer in time") from None

    def close(self) -> None:
        """Stop asking whether Redis answers again."""
        self._circuit.close()

    def _limiter_on(self, client: Client) -> SlidingWindowCounterRateLimiter:
        if self._limiter is None or client is not self._client:
            self._client, self._limiter = client, SlidingWindowCounterRateLimiter(Windows(client))
        return self._limiter


class Windows(RedisStorage):
    """The library's counters in Redis, where a window that began in this millisecond is not told as one that is over.

    Its counter lives for twice its length, and the library takes what is left of that modulo the length.
    A key's two counters share a slot, and a cluster's client finds it: the library's own would open connections.
    """

    def __init__(self, client: Client) -> None:
        """Count with a client of ours."""
        self._ours = client
        # The address is not used: the client knows the way.
        super().__init__("async+redis://", implementation="redispy", key_prefix=PREFIX)

    def configure_bridge(self) -> None:
        """Have the library use the client."""
        bridge = cast(Any, self.bridge)
        bridge.storage = self._ours
        bridge.connection_getter = lambda _: self._ours

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return count and seconds to live of the window before and of this one."""
        before, ends, count, lives = await super().get_sliding_window(key, expiry)
        return before, ends, count, min(lives, 2 * expiry - 0.001)


class LocalRates:
    """The ``RateStore`` of one worker, in its memory."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._limiter = SlidingWindowCounterRateLimiter(Counters())

    async def take(self, key: str, rates: Sequence[Rate]) -> Verdict:
        """Count here."""
        return await _take(self._limiter, key, rates, _in_turn)


class Counters(MemoryStorage):
    """The library's counters in memory, which it sweeps at every count: with many callers each would pay for all."""

    def __init__(self) -> None:
        """Sweep at the first count, and then now and again."""
        super().__init__()
        self._swept = -inf
        self._never: asyncio.Future[None] | None = None

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; what the library takes for a sweep under way keeps it from another one."""
        due = monotonic() - self._swept > SWEEP_EVERY
        if due:
            self._swept = monotonic()
        self._never = self._never or asyncio.get_running_loop().create_future()
        self.timer = None if due else cast("asyncio.Task[None]", self._never)
        return await super().incr(key, expiry, amount)


async def _in_turn(*calls: Awaitable[Any]) -> list[Any]:
    """Do what waits for nobody: a task for each would cost more than the call."""
    return [await call for call in calls]


async def _take(
    limiter: SlidingWindowCounterRateLimiter,
    key: str,
    rates: Sequence[Rate],
    gather: Callable[..., Awaitable[list[Any]]],
) -> Verdict:
    before = await gather(*(_left(limiter, key, rate) for rate in rates))
    if any(each.requests < 1 for each in before):
        return Verdict(False, before)
    granted = all(await gather(*(limiter.hit(rate, key) for rate in rates)))
    return Verdict(granted, [Left(each.rate, each.requests - 1 if granted else 0, each.seconds) for each in before])


async def _left(limiter: SlidingWindowCounterRateLimiter, key: str, rate: Rate) -> Left:
    stats = await limiter.get_window_stats(rate, key)
    # Of a rate that nobody has drawn on, the library says that it has been whole again since now.
    seconds = stats.reset_time - time() if stats.remaining < rate.amount else rate.get_expiry()
    return Left(rate, stats.remaining, max(0.0, seconds))
