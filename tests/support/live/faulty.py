"""The application with a defect: it cannot fan out posts that say ``BROKEN``.

Run with ``faust -A`` in place of the package.
"""

from microblog_streams.domain.events import PostCreated
from microblog_streams.operations.fan_out import FanOut
from microblog_streams.ports.events import Lease
from tests.support.live.probe import app

BROKEN = "broken"
_deliver = FanOut.deliver


async def deliver(self: FanOut, event: PostCreated, lease: Lease) -> None:
    if event.content == BROKEN:
        raise ValueError("the defect")
    await _deliver(self, event, lease)


FanOut.deliver = deliver

__all__ = ["app"]
