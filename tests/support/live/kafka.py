"""Looks at the log from outside."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from microblog_streams.config.addresses import join_host_port, parse
from microblog_streams.domain import topics
from microblog_streams.domain.events import Event
from microblog_streams.domain.topics import app_id
from tests.support.live.worker import Worker
from tests.support.waiting import until


class Kafka:
    """Looks at the log from outside."""

    def __init__(self, url: str, generation: int = 1) -> None:
        """``generation`` is the topic set that is looked at where a call names none."""
        self.generation = generation
        self.servers = [join_host_port(host, port) for host, port in parse(url).hosts_with_ports(9092)]

    def all_applied(self, worker: Worker) -> bool:
        """Return whether all that was answered has taken effect: no event is in the outbox, and none to be applied."""
        return worker.has_relayed() and not self.behind()

    def behind(self, generation: int | None = None) -> dict[tuple[str, int], tuple[int, int]]:
        """Return committed and end offset of each source partition where they differ."""
        return asyncio.run(self._behind(generation or self.generation))

    async def _behind(self, generation: int) -> dict[tuple[str, int], tuple[int, int]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers)
        try:
            await admin.start()
            await consumer.start()
            committed = await admin.list_consumer_group_offsets(app_id(generation))
            ends = await consumer.end_offsets(await self._partitions(consumer, _sources(generation)))
        finally:
            await consumer.stop()
            await admin.close()
        found = {tp: (committed[tp].offset if tp in committed else 0, end) for tp, end in ends.items()}
        return {(tp.topic, tp.partition): pair for tp, pair in found.items() if pair[0] != pair[1]}

    def ends(self, generation: int | None = None) -> dict[TopicPartition, int]:
        """Return the end offset of each source partition."""
        return asyncio.run(self._ends(_sources(generation or self.generation)))

    def search_ends(self) -> dict[TopicPartition, int]:
        """Return the end offset of each partition that the search indexer reads."""
        return asyncio.run(self._ends([topics.topic_name(logical, self.generation) for logical in topics.SEARCHED]))

    async def _ends(self, names: list[str]) -> dict[TopicPartition, int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers)
        try:
            await consumer.start()
            return await consumer.end_offsets(await self._partitions(consumer, names))
        finally:
            await consumer.stop()

    def configure(self, topic: str, **values: str) -> None:
        """Set a topic's own configuration (``retention_ms`` for ``retention.ms``), in place of all that it had.

        Returns when the broker knows it: the controller answers before.
        """
        asyncio.run(self._configure(topic, {name.replace("_", "."): value for name, value in values.items()}))

    async def _configure(self, topic: str, values: dict[str, str]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await admin.start()
        try:
            (answer,) = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, values)])
            assert [code for code, *_ in answer.resources] == [0], answer
            await until(lambda: _has(admin, topic, values))
        finally:
            await admin.close()

    def reached(self, ends: Mapping[TopicPartition, int], generation: int | None = None) -> bool:
        """Return whether the group has committed these offsets, or later ones."""
        return asyncio.run(self._reached(ends, app_id(generation or self.generation)))

    def search_reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Return whether the search indexer's group has committed these offsets, or later ones."""
        return asyncio.run(self._reached(ends, topics.search_id(self.generation)))

    async def _reached(self, ends: Mapping[TopicPartition, int], group: str) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        try:
            await admin.start()
            committed = await admin.list_consumer_group_offsets(group)
        finally:
            await admin.close()
        return all(end <= (committed[tp].offset if tp in committed else 0) for tp, end in ends.items())

    def lengths(self, generation: int | None = None) -> dict[str, int]:
        """Return how many events each source topic has ever been given, by its logical name."""
        return asyncio.run(self._lengths(generation or self.generation))

    async def _lengths(self, generation: int) -> dict[str, int]:
        ends = await self._ends(_sources(generation))
        names = zip(topics.SOURCES, _sources(generation), strict=True)
        return {logical: sum(end for tp, end in ends.items() if tp.topic == name) for logical, name in names}

    @staticmethod
    async def _partitions(consumer: AIOKafkaConsumer, names: list[str]) -> list[Any]:
        await consumer._client.set_topics(names)

        async def known() -> bool:  # the answer may be that of a question before, or of a broker that was not told yet
            if all(consumer.partitions_for_topic(name) for name in names):
                return True
            await consumer._client.force_metadata_update()
            return False

        await until(known)
        return [TopicPartition(name, number) for name in names for number in consumer.partitions_for_topic(name)]

    def publish(self, topic: str, key: bytes | None, value: bytes | None, **more: Any) -> Any:
        """Publish a record as a foreign producer, perhaps with headers or to a partition; return where it is."""
        return asyncio.run(self._publish(topics.topic_name(topic, self.generation), key, value, **more))

    async def _publish(self, topic: str, key: bytes | None, value: bytes | None, **more: Any) -> Any:
        producer = AIOKafkaProducer(bootstrap_servers=self.servers)
        try:
            await producer.start()
            return await producer.send_and_wait(topic, value=value, key=key, **more)
        finally:
            await producer.stop()

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        """Publish events as a worker does, many at a time."""
        asyncio.run(self._publish_all(topic, events))

    async def _publish_all(self, topic: str, events: Sequence[Event]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.servers, acks="all")
        try:
            await producer.start()
            await asyncio.gather(*[await producer.send(topic, event.encode(), key=event.key) for event in events])
        finally:
            await producer.stop()

    def remove(self, topic: str) -> None:
        """Delete a topic; return when the broker no longer knows it, so that it can be created anew."""
        asyncio.run(self._remove(topic))

    async def _remove(self, topic: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        try:
            await admin.start()
            await admin.delete_topics([topic])
            await until(lambda: _gone(admin, topic))
        finally:
            await admin.close()

    def read(self, topic: str) -> list[Any]:
        """Return all records of a topic."""
        return asyncio.run(self._read(topic))

    async def _read(self, topic: str) -> list[Any]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers)
        try:
            await consumer.start()
            partitions = await self._partitions(consumer, [topic])
            ends = await consumer.end_offsets(partitions)
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            records: list[Any] = []
            while len(records) < sum(ends.values()):
                for batch in (await consumer.getmany(timeout_ms=1_000)).values():
                    records += batch
            return records
        finally:
            await consumer.stop()


async def _has(admin: AIOKafkaAdminClient, topic: str, values: Mapping[str, str]) -> bool:
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    ((*_, entries),) = answer.resources
    found = {entry[0]: entry[1] for entry in entries}
    return all(found[name] == value for name, value in values.items())


async def _gone(admin: AIOKafkaAdminClient, topic: str) -> bool:
    return topic not in await admin.list_topics()


def _sources(generation: int) -> list[str]:
    return [topics.topic_name(logical, generation) for logical in topics.SOURCES]
