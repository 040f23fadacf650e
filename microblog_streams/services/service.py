"""A service whose tasks end when it stops, however often they have to be told.

mode cancels each task once and then waits for it without a limit. Libraries lose a cancellation now and then (as
aiokafka does, where its client is cancelled while it closes), and the task goes on: a worker that got SIGTERM just then
would stay until it is killed.
"""

import asyncio
from typing import Final

import mode

#: Seconds between one cancellation and the next.
AGAIN: Final = 0.5


class Service(mode.Service):
    """mode's service; it cancels until every task has ended."""

    async def _gather_futures(self, *, timeout: float | None = None) -> None:
        del timeout
        while pending := [future for future in self._futures if not future.done()]:
            await asyncio.wait(pending, timeout=AGAIN)
            for future in pending:
                future.cancel()
        self._futures.clear()
