"""Fix: every record costs four tasks and three turns of the event loop (faust-streaming 0.15.3).

Faust hands each record to its stream, or to the recovery, and waits for the end of the flow at the same time, because a
full stream may block. So for every record it waits for four things and cancels three of them. Here the handing over is
started at once, and nearly every record is delivered by then; only one that blocks continues in a task, and is awaited
as in Faust. After 100 records Faust's own loop yields to other tasks. Upstream: not found. From Python 3.12 on asyncio
has the same, eager tasks.
"""

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, cast

from faust.transport.drivers import aiokafka as driver
from mode.services import WaitArgT, WaitResults


class EagerConsumer(driver.Consumer):
    """A consumer that makes a task only for a record whose stream is full."""

    async def wait_first(self, *coros: WaitArgT, **kwargs: Any) -> WaitResults:
        """Return when the first of these is done. Of two, Faust passes a record's handling and the flow's end."""
        if len(coros) != 2:
            return await super().wait_first(*coros, **kwargs)
        handling, flow_ends = cast(tuple[Coroutine[Any, Any, Any], Coroutine[Any, Any, Any]], coros)
        try:
            held_up_by = handling.send(None)
        except StopIteration as handled:
            flow_ends.close()
            return WaitResults([handling], [handled.value], False)
        except BaseException:
            flow_ends.close()
            raise
        return await super().wait_first(_go_on(handling, held_up_by), flow_ends, **kwargs)


async def _go_on(handling: Coroutine[Any, Any, Any], held_up_by: object) -> object:
    """Go on with a coroutine that has come as far as its first wait."""
    return await _rest(handling, held_up_by)


@coroutine
def _rest(handling: Coroutine[Any, Any, Any], held_up_by: object) -> Generator[Any, None, object]:
    while True:
        try:
            yield held_up_by
        except BaseException as error:
            try:
                held_up_by = handling.throw(error)
            except StopIteration as handled:
                return handled.value
        else:
            return (yield from handling)
