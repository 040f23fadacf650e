"""Measures how late the event loop is: everything in a worker waits for it, requests, heartbeats and effects alike."""

import asyncio
from typing import Final

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.measures import LOOP_SECONDS, Histogram

#: Seconds between two looks.
LOOK_SECONDS: Final = 0.25


class LoopWatch(Service):
    """``lag``: by how many seconds the loop ran a task later than asked."""

    def __init__(self) -> None:
        """Start without a look."""
        super().__init__()
        self.lag = Histogram(LOOP_SECONDS)

    @Service.task
    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.should_stop:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.lag.observe(max(0.0, loop.time() - due))
