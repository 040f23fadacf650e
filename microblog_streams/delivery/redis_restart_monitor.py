"""Whether Redis still runs the run it ran: what an effect wrote there is safe only some time after.

With an append-only file that is synced every second, a crash of Redis loses its last moments (up to 2 s) while the
keys survive. So an event is acknowledged only after Redis was seen, a hold after the effect, in the same run; in
another run, the effects that were not acknowledged are repeated.
"""

import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import StoreUnavailable

logger = logging.getLogger(__name__)

#: Seconds between looks at Redis.
INTERVAL = 0.5


class RedisRestartMonitor(Service):
    """Watches the run of Redis. ``run`` counts the runs that were seen: 0 is before the first look."""

    def __init__(self, run_id: Callable[[], Awaitable[str]], hold: float) -> None:
        """``hold``: seconds between an effect and its acknowledgement; 0 acknowledges at once."""
        super().__init__()
        self.run = 0
        self.hold = hold
        self._run_id = run_id
        self._known: str | None = None
        self._seen = 0.0

    def proven(self, done_at: float) -> bool:
        """Tell whether what was done at that time, in this run, can no longer be lost by a crash of Redis."""
        return self.hold == 0 or self._seen >= done_at + self.hold

    async def look(self) -> None:
        """Ask Redis for its run; a new one counts ``run`` up."""
        asked = monotonic()
        try:
            run_id = await self._run_id()
        except StoreUnavailable:
            return
        if run_id != self._known:
            self.run += 1
            if self._known is not None:
                logger.warning("redis_runs_anew run_id=%s effects=repeated", run_id)
        self._known, self._seen = run_id, asked

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.look()
            await self.sleep(INTERVAL)
