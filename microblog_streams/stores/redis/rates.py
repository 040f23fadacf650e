"""Rate limit counters of the library ``limits``: in Redis for all workers, or in the memory of one.

Sliding window counters: two numbers for each key and rate, and no burst at the edge of a window. The library's storage
uses our connections to Redis, so that address, login, TLS and Sentinel are configured in one place. Reading and
counting are two round trips, each with the commands for all rates; a refused request costs only the first and counts
nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from time import monotonic, time
from typing import Any, Final, cast

from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis as Client

from microblog_streams.aio.failures import CircuitBreaker
from microblog_streams.domain.errors import NoAnswer
from microblog_streams.domain.rates import Left, Rate, Verdict
from microblog_streams.stores.redis.connection import Redis

#: Time-out for the counters in Redis: far below a store's, since a request can do without them, and enough for a busy
#: worker to open its first connection.
TIMEOUT_SECONDS: Final = 0.2
#: Interval at which expired counters in memory are removed.
SWEEP_SECONDS: Final = 10.0
PREFIX: Final = "rates"


class SharedRates:
    """The ``RateStore`` in Redis. Raises StoreUnavailable, without a wait while the circuit breaker is open."""

    def __init__(self, redis: Redis, timeout: float = TIMEOUT_SECONDS) -> None:
        """``timeout`` is in seconds."""
        self._redis = redis
        self._timeout = timeout
        # That of ``Redis`` opens only after a store's time-out: too late for the first step of every request.
        self.circuit = CircuitBreaker(PREFIX, redis.answers)
        self._client: Client | None = None
        self._limiter: SlidingWindowCounterRateLimiter | None = None

    async def take(self, key: str, rates: Sequence[Rate]) -> Verdict:
        """Count in Redis. After StoreUnavailable, the request may or may not be counted."""
        with self.circuit.call():
            try:
                async with asyncio.timeout(self._timeout), self._redis.translated() as client:
                    return await _take(self._limiter_on(client), key, rates, asyncio.gather)
            except TimeoutError:
                raise NoAnswer(PREFIX, "no answer in time") from None

    def close(self) -> None:
        """Stop the circuit breaker's probe."""
        self.circuit.close()

    def _limiter_on(self, client: Client) -> SlidingWindowCounterRateLimiter:
        if self._limiter is None or client is not self._client:
            self._client, self._limiter = client, SlidingWindowCounterRateLimiter(Windows(client))
        return self._limiter


class Windows(RedisStorage):
    """The library's counters in Redis, on our client, with a fix for windows that began in this millisecond.

    A counter lives for twice its window, and the library takes its remaining life modulo the window: exactly twice the
    window counts as none left. Both counters of a key share a slot, which a cluster's client finds.
    """

    def __init__(self, client: Client) -> None:
        """Count with our client; the library's would open connections of its own."""
        self._redis_client = client
        # The address is not used.
        super().__init__("async+redis://", implementation="redispy", key_prefix=PREFIX)

    def configure_bridge(self) -> None:
        """Make the library use our client."""
        bridge = cast(Any, self.bridge)
        bridge.storage = self._redis_client
        bridge.connection_getter = lambda _: self._redis_client

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return count and seconds to live of the previous window and of the current one."""
        before, ends, count, lives = await super().get_sliding_window(key, expiry)
        return before, ends, count, min(lives, 2 * expiry - 0.001)


class LocalRates:
    """The ``RateStore`` of one worker, in its memory."""

    def __init__(self) -> None:
        """Start with empty counters."""
        self._limiter = SlidingWindowCounterRateLimiter(Counters())

    async def take(self, key: str, rates: Sequence[Rate]) -> Verdict:
        """Count in memory."""
        return await _take(self._limiter, key, rates, _sequentially)


class Counters(MemoryStorage):
    """The library's counters in memory, swept at intervals; the library sweeps at every count."""

    def __init__(self) -> None:
        """Sweep at the first count."""
        super().__init__()
        self._swept = -inf
        self._never: asyncio.Future[None] | None = None

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count. A pending future, which the library takes for a running sweep, prevents a new one."""
        due = monotonic() - self._swept > SWEEP_SECONDS
        if due:
            self._swept = monotonic()
        self._never = self._never or asyncio.get_running_loop().create_future()
        self.timer = None if due else cast("asyncio.Task[None]", self._never)
        return await super().incr(key, expiry, amount)


async def _sequentially(*calls: Awaitable[Any]) -> list[Any]:
    """Await calls that never block, one by one: a task for each would cost more than the call."""
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
    # For an unused rate the library returns the current time as its reset time.
    seconds = stats.reset_time - time() if stats.remaining < rate.amount else rate.get_expiry()
    return Left(rate, stats.remaining, max(0.0, seconds))
