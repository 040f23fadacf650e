"""Waits for Kafka and its topics before Faust's producer and consumer start.

As released, a worker ends within a second where the broker does not answer, before its web port is open.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka.errors import KafkaError

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.errors import SetupError
from microblog_streams.kafka.topics import check_topics, partition_counts
from microblog_streams.services.worker_exit import stop_worker

logger = logging.getLogger(__name__)

#: Seconds between tries, and between log lines about them.
RETRY_SECONDS, LOG_SECONDS = 0.5, 3.0


class BrokerGate(Service):
    """Its start ends when the broker answers and has all topics; services later in the start order wait for that."""

    def __init__(self, options: Mapping[str, Any], topics: Mapping[str, int | None]) -> None:
        """``options`` are those of aiokafka's clients; ``topics`` maps names to partitions (None: any number)."""
        super().__init__()
        self.open = asyncio.Event()
        self._options = options
        self._topics = topics

    async def on_start(self) -> None:
        """Wait for the broker, then check the topics. A SetupError ends the worker."""
        waited = 0.0
        while not self.should_stop:
            try:
                check_topics(await partition_counts(self._options, list(self._topics)), self._topics)
                self.open.set()
                return
            except SetupError as exc:
                stop_worker(exc)
                await asyncio.sleep(LOG_SECONDS)
            except (KafkaError, OSError) as exc:
                if waited % LOG_SECONDS == 0:
                    logger.warning(
                        "broker_awaited servers=%s reason=%s", ",".join(self._options["bootstrap_servers"]), exc
                    )
                waited += RETRY_SECONDS
                await asyncio.sleep(RETRY_SECONDS)
