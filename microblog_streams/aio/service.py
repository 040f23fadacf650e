"""mode's Service, with a stop that always ends.

mode cancels each task once and then waits for it without a limit: where a library loses the cancellation, a worker that
gets SIGTERM at that moment would run until it is killed.
"""

import asyncio

import mode

from microblog_streams.aio.tasks import RECANCEL_SECONDS


class Service(mode.Service):
    """A service that cancels its tasks until every one has ended."""

    async def _gather_futures(self, *, timeout: float | None = None) -> None:
        del timeout
        while pending := [future for future in self._futures if not future.done()]:
            await asyncio.wait(pending, timeout=RECANCEL_SECONDS)
            for future in pending:
                future.cancel()
        self._futures.clear()
