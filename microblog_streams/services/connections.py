"""Connects to the servers that a worker needs, for as long as it takes.

``StoreConnections`` connects to the stores in the background, so that a worker starts and answers while a store is
unavailable. ``BrokerGate`` waits for Kafka and its topics before Faust's producer and consumer start: as released, a
worker ends within a second if the broker does not answer, before its web port is open.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from math import inf
from time import monotonic
from typing import Any

from aiokafka.errors import KafkaError

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.errors import SetupError, StoreUnavailable, TopicMissing
from microblog_streams.kafka.topics import check_topics, partition_counts
from microblog_streams.ports import Connection
from microblog_streams.services.worker_process import stop_worker

logger = logging.getLogger(__name__)

#: Seconds between tries to connect, and between log lines about them.
RETRY_SECONDS, LOG_SECONDS = 0.5, 3.0
#: Seconds for which topics may be missing: a broker that has just started answers before it knows its topics.
MISSING_SECONDS = 10.0


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
        except Exception as exc:
            # Its text stays out of /health, and is needed by who repairs it.
            logger.warning("store_refuses_ping store=%s reason=%r", connection.name, exc)
            return f"it refuses a ping ({type(exc).__name__})"
        return "ok"

    async def _connect(self, connection: Connection) -> None:
        waited = 0.0
        while not self.should_stop:
            try:
                await connection.connect()
            except SetupError as exc:
                stop_worker(exc)
            except StoreUnavailable as exc:
                if waited % LOG_SECONDS == 0:
                    logger.warning("store_awaited store=%s reason=%s", connection.name, exc.reason)
            else:
                logger.info("store_connected store=%s", connection.name)
                self.connected[connection.name].set()
                return
            waited += RETRY_SECONDS
            await self.sleep(RETRY_SECONDS)


class BrokerGate(Service):
    """Its start ends when the broker answers and has all topics; services later in the start order wait for that."""

    def __init__(self, options: Mapping[str, Any], topics: Mapping[str, int | None]) -> None:
        """``options`` are those of aiokafka's clients; ``topics`` maps names to partitions (None: any number)."""
        super().__init__()
        self.open = asyncio.Event()
        self._options = options
        self._topics = topics

    async def on_start(self) -> None:
        """Wait for the broker, and some seconds for missing topics. A SetupError ends the worker."""
        waited, known_by = 0.0, inf
        while not self.should_stop:
            try:
                check_topics(await partition_counts(self._options, list(self._topics)), self._topics)
                self.open.set()
                return
            except SetupError as exc:
                known_by = min(known_by, monotonic() + MISSING_SECONDS)
                if isinstance(exc, TopicMissing) and monotonic() < known_by:
                    logger.warning("topics_awaited reason=%s", exc)
                    await asyncio.sleep(RETRY_SECONDS)
                else:
                    stop_worker(exc)
                    await asyncio.sleep(LOG_SECONDS)
            except (KafkaError, OSError) as exc:
                if waited % LOG_SECONDS == 0:
                    logger.warning(
                        "broker_awaited servers=%s reason=%s", ",".join(self._options["bootstrap_servers"]), exc
                    )
                waited += RETRY_SECONDS
                await asyncio.sleep(RETRY_SECONDS)
