"""Turns this process' deadlines into Redis' own time, so that Redis itself refuses what comes too late.

A process can be frozen at any point, also between its last look at the clock and the arrival of its write. So the
write carries its deadline, and the server compares it with the server's clock.
"""

import time
from typing import Final, NamedTuple

from microblog_streams.stores.redis.server import Server

#: Seconds for which a measured difference of the clocks is used. They drift apart by some 0.1 ms in a minute; what
#: this bounds is the effect of somebody setting the server's clock.
MEASURE_EVERY: Final = 60.0


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
        if measured is None or time.monotonic() - measured.at > MEASURE_EVERY:
            return None
        return measured.micros(deadline)


async def _measure(server: Server) -> _Measured:
    seconds, micros = await server.execute("TIME")
    # Our clock is read after the answer, so the way of the answer counts as time that is gone: a deadline can
    # only come out too early, also where this process was frozen in between.
    now = time.monotonic()
    return _Measured(seconds + micros / 1_000_000 - now, now)
