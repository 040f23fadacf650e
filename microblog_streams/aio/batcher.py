"""Puts questions that are asked at about the same time into one call: a call costs the client as much as its answer.

An import asks of hundreds of timelines at a time whether they are warm; one by one that took a third of the worker.
The first call goes out at once; what is asked until it is answered, and in the pause after it, goes into the next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

#: Seconds between calls. Without it an answer comes back so soon that few questions share a call.
PAUSE = 0.01

K = TypeVar("K")
V = TypeVar("V")


class Batcher(Generic[K, V]):
    """One call at a time, with everything that was asked since the last one."""

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Sequence[V]]]) -> None:
        """``ask`` returns one answer for each key, in their order."""
        self._ask = ask
        self._waiting: list[tuple[Sequence[K], asyncio.Future[Sequence[V]]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, keys: Sequence[K]) -> Sequence[V]:
        """Return one answer for each key. Raises what the call raises that they went into."""
        future: asyncio.Future[Sequence[V]] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, future))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, []
            try:
                answers = iter(await self._ask([key for keys, _ in asked for key in keys]))
                results: list[Sequence[V] | Exception] = [[next(answers) for _ in keys] for keys, _ in asked]
            except Exception as exc:
                results = [exc] * len(asked)
            for (_, future), result in zip(asked, results, strict=True):
                _settle(future, result)
            await asyncio.sleep(PAUSE)


def _settle(future: "asyncio.Future[Sequence[V]]", result: "Sequence[V] | Exception") -> None:
    if future.done():
        return  # whoever asked has left
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
