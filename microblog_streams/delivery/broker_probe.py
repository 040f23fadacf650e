"""Whether the broker can be reached, looked at before anything is sent: of what was not sent the outcome is known.

A frozen broker keeps its connections. So once a record was not confirmed in time, a connection is no proof any more,
until the broker has answered a question.
"""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from microblog_streams.delivery.faust_patches.transport import broker_connected, refresh_broker
from microblog_streams.domain.errors import BrokerUnavailable

if TYPE_CHECKING:
    from faust import App

#: Seconds to wait for a connection or an answer, and for which "there is none" is believed without another try.
CONNECT: Final = 1.0


class BrokerProbe:
    """What is known of the way to the broker."""

    def __init__(self, app: "App") -> None:
        """Take whose producer it is about."""
        self._app = app
        self._doubtful = False
        self._refused_at = -CONNECT
        self._probe = asyncio.Lock()

    def doubt(self) -> None:
        """Note that a record was not confirmed in time."""
        self._doubtful = True

    async def check(self) -> None:
        """Raise BrokerUnavailable where it cannot be reached; ask it at most once a second, one question at a time."""
        if self._good():
            return
        async with self._probe:
            if self._good():
                return
            if monotonic() - self._refused_at < CONNECT:
                raise BrokerUnavailable("there is no connection to it")
            if not await refresh_broker(self._app, CONNECT):
                self._refused_at = monotonic()
                raise BrokerUnavailable("there is no connection to it")
            self._doubtful = False

    def _good(self) -> bool:
        return broker_connected(self._app) and not self._doubtful
