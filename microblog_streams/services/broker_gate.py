"""Waits for Kafka and its topics, before Faust's producer and consumer start: as released, a worker whose broker is
away ends within a second, before its web port opens.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import SetupError
from microblog_streams.kafka.clients import reason
from microblog_streams.services.worker_exit import stop_worker

logger = logging.getLogger(__name__)

#: Seconds between tries, and between the lines that say so.
RETRY, QUIET = 0.5, 3.0
#: Seconds for the broker to answer.
TIMEOUT = 3.0


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


async def partition_counts(options: Mapping[str, Any], topics: list[str]) -> dict[str, int]:
    """Return how many partitions each of the topics has, 0 where it is missing.

    Raises KafkaError and OSError, and SetupError where the broker refuses us.
    """
    client = AIOKafkaClient(**options, request_timeout_ms=int(TIMEOUT * 1000))
    try:
        await _bootstrap(client, options)
        await client.set_topics(topics)
        return {topic: len(client.cluster.partitions_for_topic(topic) or ()) for topic in topics}
    finally:
        await client.close()


async def _bootstrap(client: AIOKafkaClient, options: Mapping[str, Any]) -> None:
    try:
        await client.bootstrap()
    except KafkaConnectionError:
        raise await reason(options, TIMEOUT) from None


def check_topics(found: Mapping[str, int], expected: Mapping[str, int | None]) -> None:
    """Raise SetupError for the first topic that is missing or has another number of partitions."""
    for topic, partitions in expected.items():
        if not found[topic]:
            raise SetupError(f"topic {topic} is missing: run `faust -A microblog_streams migrate`")
        if partitions is not None and found[topic] != partitions:
            raise SetupError(
                f"topic {topic} has {found[topic]} partitions, and the deployment (MICROBLOG_PARTITIONS, when it was "
                f"set up) {partitions}: delete that topic if it is empty, and run `faust -A microblog_streams migrate`"
            )
