"""Closes topics for good: their partitions refuse every record, from every producer.

Posts are published by every worker, and one that is cut off from PostgreSQL would go on publishing where no worker
reads any more. So the brokers refuse: ``max.message.bytes`` 0 is less than any record. The leaders of partitions learn
of it some moments later, so each is probed until it refuses for that reason. The probe is a record that is never
appended, because its time is years ahead: the refusal changes from its time to its size.

(A broker before Kafka 4.0 does not check a record's time by default: there a probe that comes too early is an
undecodable event and becomes a dead letter.)
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidTimestampError, KafkaError, MessageSizeTooLargeError, for_code

from microblog_streams.domain.errors import StoreUnavailable

#: Where a configuration's value comes from: the topic itself (DescribeConfigs, ``config_source``).
_OF_TOPIC: Final = 1
#: Milliseconds from now to the time of a probe.
_AHEAD_MS: Final = 10 * 365 * 24 * 3600 * 1000
#: Seconds between two rounds of probes, and after which closing fails.
_POLL_SECONDS, _TIMEOUT_SECONDS = 0.2, 30.0


async def close_topics(options: Mapping[str, Any], names: Sequence[str]) -> None:
    """Close the topics; return when every partition refuses records. Raises StoreUnavailable."""
    try:
        await _configure(options, names)
        await _until_refused(options, names)
    except (KafkaError, OSError) as exc:
        raise StoreUnavailable("kafka", f"cannot close {', '.join(names)}: {exc!r}") from exc


async def _configure(options: Mapping[str, Any], names: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        for name in names:
            own = await _own_configuration(admin, name)
            closed = ConfigResource(ConfigResourceType.TOPIC, name, {**own, "max.message.bytes": "0"})
            for answer in await admin.alter_configs([closed]):
                _check(answer.resources)
    finally:
        await admin.close()


async def _own_configuration(admin: AIOKafkaAdminClient, name: str) -> dict[str, str]:
    """Return what the topic sets itself: the protocol's request replaces all of it."""
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    _check(answer.resources)
    ((*_, entries),) = answer.resources
    return {entry[0]: entry[1] for entry in entries if entry[3] == _OF_TOPIC}


def _check(resources: Sequence[tuple[Any, ...]]) -> None:
    for code, message, *_ in resources:
        if code:
            raise for_code(code)(message)


async def _until_refused(options: Mapping[str, Any], names: Sequence[str]) -> None:
    producer = AIOKafkaProducer(**options, acks="all")
    try:
        await producer.start()
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            asked = [(name, partition) for name in names for partition in await producer.partitions_for(name)]
            while asked:
                asked = [place for place in asked if not await _refused(producer, *place)]
                await asyncio.sleep(_POLL_SECONDS if asked else 0)
    except TimeoutError:
        raise StoreUnavailable("kafka", f"still takes records in {', '.join(names)}: run this again") from None
    finally:
        await producer.stop()


async def _refused(producer: AIOKafkaProducer, name: str, partition: int) -> bool:
    ahead = int(time.time() * 1000) + _AHEAD_MS
    try:
        await producer.send_and_wait(name, b"closed?", partition=partition, timestamp_ms=ahead)
    except MessageSizeTooLargeError:
        return True
    except InvalidTimestampError:
        return False
    return False
