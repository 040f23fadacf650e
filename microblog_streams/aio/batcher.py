"""Send calls of about the same time in one request: a request costs the client as much as its result.

``Batcher`` is the simple case: one request at a time, with all keys that arrived since the last one. The writers of
posts and the pipelines of Redis form batches of their own (by bytes, by command); they run on ``SenderPool``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

#: Seconds between requests. Without it a result comes back so soon that few keys share a request.
PAUSE_SECONDS = 0.01

K = TypeVar("K")
V = TypeVar("V")


class Batcher(Generic[K, V]):
    """One request at a time, with all keys that were asked for since the last one.

    The first request is sent at once. An import checks hundreds of timelines at a time: one request each took a third
    of the worker's time.
    """

    def __init__(self, fetch: Callable[[Sequence[K]], Awaitable[Sequence[V]]]) -> None:
        """``fetch`` returns one value for each key, in their order."""
        self._fetch = fetch
        self._waiting: list[tuple[Sequence[K], asyncio.Future[Sequence[V]]]] = []
        self._fetching: asyncio.Task[None] | None = None

    async def __call__(self, keys: Sequence[K]) -> Sequence[V]:
        """Return one value for each key. Raises what ``fetch`` raises for the batch that has the keys."""
        future: asyncio.Future[Sequence[V]] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, future))
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                values = iter(await self._fetch([key for keys, _ in batch for key in keys]))
                results: list[Sequence[V] | Exception] = [[next(values) for _ in keys] for keys, _ in batch]
            except Exception as exc:
                results = [exc] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                set_outcome(future, result)
            await asyncio.sleep(PAUSE_SECONDS)


def set_outcome(future: "asyncio.Future[Any]", outcome: object) -> None:
    """Set a future's result, or its exception. Does nothing where the waiting task was cancelled."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


class SenderPool:
    """Up to ``max_senders`` tasks that run ``send``; they start when there is work and end when there is none.

    A sender leaves the pool in the same step in which it finds no work. It must not leave later, in a done callback: a
    call that arrived in between, while all senders were ending, started no sender and waited until the next call.
    """

    def __init__(self, send: Callable[[], Awaitable[None]], max_senders: int) -> None:
        """``send`` works until it finds no work, and then returns without another await."""
        self._send = send
        self._max_senders = max_senders
        self._tasks: set[asyncio.Task[None] | None] = set()

    def wake(self) -> None:
        """Start a sender for new work, unless ``max_senders`` are running."""
        if len(self._tasks) < self._max_senders:
            self._tasks.add(asyncio.create_task(self._run()))

    async def _run(self) -> None:
        try:
            await self._send()
        finally:
            self._tasks.discard(asyncio.current_task())
