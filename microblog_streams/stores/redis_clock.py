"""Turns this process' deadlines into Redis' own time, so that Redis itself refuses what comes too late.

A process can be frozen at any point, also between its last look at the clock and the arrival of its write. So the
write carries its deadline, and the server compares it with the server's clock.
"""

import time
from typing import Final

from microblog_streams.stores.redis import Redis

#: Seconds for which a measured difference of the clocks is used. They drift apart by some 0.1 ms in a minute; what
#: this bounds is the effect of somebody setting the server's clock.
MEASURE_EVERY: Final = 60.0


class RedisClock:
    """The difference between ``time.monotonic`` and the server's clock, never too large."""

    def __init__(self, redis: Redis) -> None:
        """Measure nothing yet."""
        self._redis = redis
        self._offset = 0.0
        self._measured: float | None = None

    def forget(self) -> None:
        """Measure again before the next use: another server may answer by now."""
        self._measured = None

    async def micros(self, deadline: float) -> int:
        """Return a deadline (``time.monotonic``, seconds) as the server's time in µs. Raises StoreUnavailable."""
        if self._measured is None or time.monotonic() - self._measured > MEASURE_EVERY:
            await self._measure()
        return int((deadline + self._offset) * 1_000_000)

    async def _measure(self) -> None:
        async with self._redis.translated() as client:
            seconds, micros = await client.time()
        # Our clock is read after the answer, so the way of the answer counts as time that is gone: a deadline can
        # only come out too early, also where this process was frozen in between.
        now = time.monotonic()
        self._offset, self._measured = seconds + micros / 1_000_000 - now, now
