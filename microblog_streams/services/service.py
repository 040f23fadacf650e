"""A service whose tasks end when it stops, however often they have to be told.

mode cancels each task once and then waits for it without a limit: where a library loses the cancellation, a worker
that got SIGTERM just then would stay until it is killed.
"""

import asyncio

import mode

from microblog_streams.aio.cancelling import AGAIN_SECONDS


class Service(mode.Service):
    """mode's service; it cancels until every task has ended."""

    async def _gather_futures(self, *, timeout: float | None = None) -> None:
        del timeout
        while pending := [future for future in self._futures if not future.done()]:
            await asyncio.wait(pending, timeout=AGAIN_SECONDS)
            for future in pending:
                future.cancel()
        self._futures.clear()
