"""Tasks: count those in flight, bound how many run at a time, and cancel them until each has ended."""

import asyncio
from collections import deque
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

import mode

#: Seconds after which a task that still runs is cancelled again.
RECANCEL_SECONDS: Final = 0.5


async def cancel_all(tasks: "Collection[asyncio.Future[Any]]") -> None:
    """Cancel tasks until each has ended. Their exceptions are not raised; read them from the tasks.

    One cancellation may be lost and the task goes on: ``asyncio.wait_for`` of Python 3.11 returns the result where
    that came at the same moment (aiopg uses it for every statement), and aiokafka loses one where its client is
    cancelled while it closes. To cancel once and wait may take for ever.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=RECANCEL_SECONDS)
    for task in tasks:
        retrieve_exception(task)


def retrieve_exception(ended: "asyncio.Future[Any]") -> None:
    """Retrieve a task's exception, which asyncio logs as an error otherwise: the tasks that waited may be gone."""
    if not ended.cancelled():
        ended.exception()


class InFlight:
    """The calls in flight, to wait for their end without waiting for those that start later.

    A store waits for its calls before it closes: redis-py raises AttributeError where its connection is closed under a
    call, and a pool that is closed under a call opens a connection that is never closed.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._ends: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        """Return the number of calls in flight."""
        return len(self._ends)

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count a call for the length of the block."""
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ends.add(end)
        try:
            yield
        finally:
            end.set_result(None)
            self._ends.discard(end)

    async def wait_ended(self, timeout_seconds: float | None = None) -> bool:
        """Wait for the calls that are in flight now; return False where some still are after the time-out."""
        if not self._ends:
            return True
        _, late = await asyncio.wait(list(self._ends), timeout=timeout_seconds)
        return not late


class BoundedPipeline:
    """Run a sequence of calls, up to ``max_calls`` at a time. Use it as a context manager.

    It lets a loop read the next item while earlier ones are sent. Leaving the block waits for all calls, also after one
    has failed, and raises the first error. Cancellation cancels the calls.
    """

    def __init__(self, max_calls: int) -> None:
        """``max_calls`` counts the calls in flight."""
        self._max_calls = max_calls
        self._calls: deque[asyncio.Task[Any]] = deque()
        #: The calls started so far.
        self.started = 0

    async def start(self, call: Coroutine[Any, Any, Any]) -> None:
        """Start a call, then wait until another may start. Raises the error of the oldest call."""
        self.started += 1
        self._calls.append(asyncio.create_task(call))
        if len(self._calls) == self._max_calls:
            await self._calls.popleft()

    async def __aenter__(self) -> Self:
        """Return the pipeline."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the calls in flight. Raises their first error, unless the block raised one."""
        if isinstance(error, asyncio.CancelledError):
            for call in self._calls:
                call.cancel()
        ended = await asyncio.gather(*self._calls, return_exceptions=True)
        failed = [outcome for outcome in ended if isinstance(outcome, BaseException)]
        if failed and error is None:
            raise failed[0]


class Service(mode.Service):
    """mode's Service, whose stop always ends: it cancels its tasks until each has ended.

    mode cancels each task once and then waits for it without a limit: where a library loses the cancellation, a worker
    that gets SIGTERM at that moment would run until it is killed.
    """

    async def _gather_futures(self, *, timeout: float | None = None) -> None:
        del timeout
        while pending := [future for future in self._futures if not future.done()]:
            await asyncio.wait(pending, timeout=RECANCEL_SECONDS)
            for future in pending:
                future.cancel()
        self._futures.clear()
