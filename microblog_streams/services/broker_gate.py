"""Waits for Kafka and its topics, before Faust's producer and consumer start: as released, a worker whose broker is
away ends within a second, before its web port opens.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka.errors import KafkaError

from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import SetupError
from microblog_streams.kafka.topics import check_topics, partition_counts
from microblog_streams.services.worker_exit import stop_worker

logger = logging.getLogger(__name__)

#: Seconds between tries, and between the lines that say so.
RETRY, QUIET = 0.5, 3.0


class BrokerGate(Service):
    """Starts when the broker is there with all topics; everything after it in the start order waits."""

    def __init__(self, options: Mapping[str, Any], topics: Mapping[str, int | None]) -> None:
        """``options`` of aiokafka's clients; ``topics``: partitions that each must have (None: any), by its name."""
        super().__init__()
        self.open = asyncio.Event()
        self._options = options
        self._topics = topics

    async def on_start(self) -> None:
        """Wait for the broker, then check the topics; SetupError ends the worker."""
        waited = 0.0
        while not self.should_stop:
            try:
                check_topics(await partition_counts(self._options, list(self._topics)), self._topics)
                self.open.set()
                return
            except SetupError as exc:
                stop_worker(exc)
                await asyncio.sleep(QUIET)
            except (KafkaError, OSError) as exc:
                if waited % QUIET == 0:
                    logger.warning(
                        "broker_awaited servers=%s reason=%s", ",".join(self._options["bootstrap_servers"]), exc
                    )
                waited += RETRY
                await asyncio.sleep(RETRY)
