"""Mend: every record that is read takes four tasks and three turns of the event loop (faust-streaming 0.15.3).

Each is handed to its stream beside a wait for the flow's end, because a full stream may hold it up. So for every record
Faust waits for four things at a time and cancels three of them, one record after the other, in streams and recoveries
alike. Here a record has a turn of its own first. Nearly every one is where it belongs after that; only one that is held
up is waited for as Faust does.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

from faust.transport.drivers import aiokafka as driver
from mode.services import WaitArgT, WaitResults


class PromptConsumer(driver.Consumer):
    """A consumer that waits for a record only where it is held up."""

    async def wait_first(self, *coros: WaitArgT, **kwargs: Any) -> WaitResults:
        """Return when the first of these is done. Of two, Faust passes a record's handling and the flow's end."""
        if len(coros) != 2:
            return await super().wait_first(*coros, **kwargs)
        handling, flow_ends = cast(tuple[Coroutine[Any, Any, Any], Coroutine[Any, Any, Any]], coros)
        handled = asyncio.ensure_future(handling)
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            handled.cancel()
            flow_ends.close()
            raise
        if not handled.done():
            return await super().wait_first(handled, cast(WaitArgT, flow_ends), **kwargs)
        flow_ends.close()
        return WaitResults([handled], [handled.result()], False)
