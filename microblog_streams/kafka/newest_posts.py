"""The newest posts of everybody, from the ends of the log: what the public timeline is rebuilt from.

Posts stand in a partition in the order of their arrival, which is that of their ids but for moments. So the newest ones
of all are among the last of each partition. No consumer group takes part: offsets are looked up, and none is committed.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.events import PostCreated, UndecodableEvent, UnknownSchema, decode
from microblog_streams.domain.ids import encode_entry
from microblog_streams.domain.topics import POST_CREATED, topic_name
from microblog_streams.kafka.clients import client_options, translated
from microblog_streams.kafka.topics import partition_counts

#: Time-outs: of a request, of a fetch of records that exist, and of the whole.
_REQUEST_MS: Final = 5_000
_FETCH_MS: Final = 5_000
READ_SECONDS: Final = 30.0
#: Records decoded in one step of the event loop: 2 ms.
_RECORDS_PER_STEP: Final = 200


@dataclass(frozen=True)
class NewestPosts:
    """The ``NewestPosts`` of a deployment. Connects for each call, since a timeline is rarely rebuilt."""

    settings: Settings
    deployment: Callable[[], Deployment]

    async def newest(self, limit: int) -> Sequence[bytes]:
        """Return the entries of the last ``limit`` posts of each partition. Raises StoreUnavailable."""
        options, deployment = client_options(self.settings), self.deployment()
        try:
            async with asyncio.timeout(READ_SECONDS):
                with translated():
                    counts = await partition_counts(options, _topics(deployment))
                    _check_known(counts, deployment)
                    async with aclosing(_entries(options, _places(counts), limit)) as entries:
                        return [entry async for entry in entries]
        except TimeoutError:
            raise StoreUnavailable("kafka", f"did not send the last posts within {READ_SECONDS:g} s") from None


def _topics(deployment: Deployment) -> list[str]:
    """Return the topics of posts: after a repartition the newest ones are in those of the topic set before, too."""
    before = deployment.generation - 1
    return [topic_name(POST_CREATED, number) for number in (before, *deployment.generations) if number > 0]


def _check_known(counts: Mapping[str, int], deployment: Deployment) -> None:
    """Raise StoreUnavailable for a topic that must be there: a broker that has just started may not know it yet."""
    for topic in (topic_name(POST_CREATED, number) for number in deployment.open_generations):
        if not counts[topic]:
            raise StoreUnavailable("kafka", f"it does not know the topic {topic} yet")


def _places(counts: Mapping[str, int]) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]


async def _entries(
    options: Mapping[str, Any], places: Sequence[TopicPartition], limit: int
) -> AsyncGenerator[bytes, None]:
    # "earliest": a fetch of an offset that has expired goes on at the first that is left.
    consumer = AIOKafkaConsumer(**options, auto_offset_reset="earliest", request_timeout_ms=_REQUEST_MS)
    try:
        await consumer.start()
        firsts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        begins = {place: max(firsts[place], ends[place] - limit) for place in places}
        left = {place: ends[place] for place in places if begins[place] < ends[place]}
        if left:
            consumer.assign(list(left))
        for place in left:
            consumer.seek(place, begins[place])
        while left:
            fetched = await consumer.getmany(*left, timeout_ms=_FETCH_MS, max_records=_RECORDS_PER_STEP)
            if not fetched:
                raise StoreUnavailable("kafka", f"sends no record of {POST_CREATED} within {_FETCH_MS // 1000} s")
            for place, records in fetched.items():
                for entry in _decoded(records):
                    yield entry
                if records[-1].offset + 1 >= left[place]:
                    del left[place]
    finally:
        await consumer.stop()


def _decoded(records: Iterable[Any]) -> list[bytes]:
    """Return the entries of records, without those that are dead letters, or wait for a newer worker."""
    entries = []
    for record in records:
        with suppress(UndecodableEvent, UnknownSchema):
            event = decode(PostCreated, record.key, record.value, dict(record.headers))
            entries.append(encode_entry(event.post_id, event.user_id))
    return entries
