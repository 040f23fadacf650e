"""Detect restarts of Redis: what an effect wrote there is durable only some time later.

With an append-only file that is synced every second, a crash loses the last moments (up to 2 s), and the keys survive.
So an event is acknowledged only after Redis was seen in the same run an ack hold after the effect. In another run, the
effects that were not acknowledged are repeated.
"""

import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)

#: Seconds between two checks of the run id.
CHECK_SECONDS = 0.5


class RedisRestartMonitor(Service):
    """Checks the run id of Redis. ``run`` counts the runs seen so far; it is 0 before the first check."""

    def __init__(self, run_id: Callable[[], Awaitable[str]], hold: float) -> None:
        """``hold``: seconds between an effect and its acknowledgement; 0 acknowledges at once."""
        super().__init__()
        self.run = 0
        self.hold = hold
        self._run_id = run_id
        self._last_run_id: str | None = None
        self._checked_at = 0.0

    def is_durable(self, done_at: float) -> bool:
        """Return whether an effect of the current run, finished at that time, survives a crash of Redis."""
        return self.hold == 0 or self._checked_at >= done_at + self.hold

    async def check(self) -> None:
        """Read the run id of Redis, and count ``run`` up where it is a new one."""
        asked_at = monotonic()
        try:
            run_id = await self._run_id()
        except StoreUnavailable:
            return
        if run_id != self._last_run_id:
            self.run += 1
            if self._last_run_id is not None:
                logger.warning("redis_runs_anew run_id=%s effects=repeated", run_id)
        self._last_run_id, self._checked_at = run_id, asked_at

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.check()
            await self.sleep(CHECK_SECONDS)
