"""Connects to the stores in the background, so that a worker starts and answers while a store is unavailable."""

import asyncio
import logging
from collections.abc import Sequence

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.ports import Connection
from microblog_streams.services.worker_exit import stop_worker

logger = logging.getLogger(__name__)

#: Seconds between tries to connect, and between log lines about them.
RETRY_SECONDS, LOG_SECONDS = 0.5, 3.0


class StoreConnections(Service):
    """Connects every store, however long it takes; closes them when the worker stops."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        """None of the connections is open yet."""
        super().__init__()
        self.connections = {connection.name: connection for connection in connections}
        self.connected = {connection.name: asyncio.Event() for connection in connections}

    async def on_start(self) -> None:
        """Start to connect."""
        for connection in self.connections.values():
            self.add_future(self._connect(connection))

    async def on_stop(self) -> None:
        """Close all connections, also where closing one of them fails."""
        closing = [connection.close() for connection in self.connections.values()]
        outcomes = await asyncio.gather(*closing, return_exceptions=True)
        for name, outcome in zip(self.connections, outcomes, strict=True):
            if isinstance(outcome, Exception):
                logger.warning("store_not_closed store=%s reason=%r", name, outcome)

    async def ping(self, timeout: float) -> dict[str, str]:
        """Ping each store; return ``ok`` or the failure, by the store's name."""
        answers = await asyncio.gather(*(self._ping(one, timeout) for one in self.connections.values()))
        return dict(zip(self.connections, answers, strict=True))

    async def _ping(self, connection: Connection, timeout: float) -> str:
        try:
            async with asyncio.timeout(timeout):
                await connection.ping()
        except StoreUnavailable as exc:
            return str(exc.reason)
        except TimeoutError:
            return f"no answer within {timeout} s"
        return "ok"

    async def _connect(self, connection: Connection) -> None:
        waited = 0.0
        while not self.should_stop:
            try:
                await connection.connect()
                break
            except SetupError as exc:
                stop_worker(exc)
            except StoreUnavailable as exc:
                if waited % LOG_SECONDS == 0:
                    logger.warning("store_awaited store=%s reason=%s", connection.name, exc.reason)
            waited += RETRY_SECONDS
            await self.sleep(RETRY_SECONDS)
        logger.info("store_connected store=%s", connection.name)
        self.connected[connection.name].set()
