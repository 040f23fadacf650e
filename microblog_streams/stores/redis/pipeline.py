"""Small commands that are to be sent at about the same time go to the server together, in one pipeline.

A call by itself costs the client some 60 us, in a pipeline a quarter of that: with many readers, or many small posts,
the worker's time goes there. What is asked while others are under way goes into the next pipeline: so a caller alone
waits for nobody, and the more there are the less each costs.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from microblog_streams.aio.sender_pool import SenderPool
from microblog_streams.stores.redis.pipeline_connection import Send
from microblog_streams.stores.redis.server import Command

#: Commands of one pipeline: some ms of the server, for which others wait.
MOST: Final = 64
#: Pipelines under way at a time: a connection that has stalled must not hold everybody up.
IN_FLIGHT: Final = 2


class CommandBatcher:
    """A few pipelines at a time. Commands must be such that it does no harm to repeat one, or to give it up."""

    def __init__(
        self, line: Callable[[], AbstractAsyncContextManager[Send]], meaning: Callable[[Exception], Exception | None]
    ) -> None:
        """``line`` gives what sends pipelines one after the other, each bounded in time.

        ``meaning`` says what a single command's error is in our words, None where it has no word for it.
        """
        self._line = line
        self._meaning = meaning
        self._waiting: list[tuple[Command, asyncio.Future[Any]]] = []
        self._senders = SenderPool(self._send_all, IN_FLIGHT)

    async def __call__(self, *command: bytes | str | int) -> Any:  # noqa: ANN401 -- whatever the server answers
        """Return the server's answer. Raises its refusal (``ResponseError``), StoreUnavailable.

        Who is cancelled before the command went out has it not sent.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answer))
        self._senders.wake()
        return await answer

    async def _send_all(self) -> None:
        while self._waiting:
            async with self._line() as send:
                while self._waiting:
                    await self._send_some(send)

    async def _send_some(self, send: Send) -> None:
        taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if batch := [(command, answer) for command, answer in taken if not answer.done()]:
            for (_, answer), result in zip(batch, await _results(send, batch), strict=True):
                self._settle(answer, result)

    def _settle(self, answer: "asyncio.Future[Any]", result: Any) -> None:  # noqa: ANN401
        if answer.done():
            return  # whoever asked has left
        if isinstance(result, Exception):
            answer.set_exception(self._meaning(result) or result)
        else:
            answer.set_result(result)


async def _results(send: Send, batch: "Sequence[tuple[Command, asyncio.Future[Any]]]") -> list[Any]:
    try:
        return await send([command for command, _ in batch])
    except Exception as exc:
        return [exc] * len(batch)
