"""Reading dead letters from a Kafka that has gaps, expires records, or does not answer."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.errors import KafkaConnectionError

from microblog_streams.dead_letters import kafka
from microblog_streams.dead_letters.kafka import KafkaDeadLetterReader
from microblog_streams.domain.errors import StoreUnavailable


class FakeConsumer:
    """A consumer of one partition, which gives two records at a time, and errors in place of answers."""

    def __init__(self, *offsets):
        self.offsets = list(offsets)
        self.error = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.position = 0

    async def beginning_offsets(self, places):
        await self.answers.wait()
        return dict.fromkeys(places, self.offsets[0])

    async def end_offsets(self, places):
        return dict.fromkeys(places, self.offsets[-1] + 1)

    def assign(self, places):
        (self.place,) = places

    def seek(self, place, offset):
        self.position = offset

    async def getmany(self, place, timeout_ms):
        if self.error:
            raise self.error
        found = [offset for offset in self.offsets if offset >= self.position][:2]
        self.position = found[-1] + 1 if found else self.position
        return {place: [self._record(offset) for offset in found]} if found else {}

    def _record(self, offset):
        place = self.place.partition
        return SimpleNamespace(partition=place, offset=offset, timestamp=0, key=None, value=b"v", headers=())


async def offsets(reader, first, beyond):
    return [letter.offset async for letter in reader.letters(0, first, beyond)]


@pytest.fixture
def consumer():
    return FakeConsumer(3, 4, 5, 6, 7)


@pytest.fixture
def reader(consumer):
    return KafkaDeadLetterReader(consumer, 2)


async def test_the_bounds_are_those_of_every_partition(reader):
    assert await reader.bounds() == {0: (3, 8), 1: (3, 8)}


async def test_what_was_asked_for_is_read_and_nothing_else(reader):
    assert await offsets(reader, 4, 7) == [4, 5, 6]
    assert await offsets(reader, 3, 4) == [3]


async def test_what_has_expired_meanwhile_is_left_out(reader):
    assert await offsets(reader, 0, 5) == [3, 4]
    assert await offsets(reader, 0, 2) == []


async def test_a_broker_that_does_not_answer_is_away(reader, consumer, monkeypatch):
    monkeypatch.setattr(kafka, "_REQUEST_MS", 5)
    consumer.answers.clear()

    with pytest.raises(StoreUnavailable, match="kafka"):
        await reader.bounds()


async def test_a_broker_that_sends_no_record_is_away(reader):
    with pytest.raises(StoreUnavailable, match="sends no record"):
        await offsets(reader, 7, 20)


async def test_a_connection_that_fails_is_a_broker_that_is_away(reader, consumer):
    consumer.error = KafkaConnectionError("gone")

    with pytest.raises(StoreUnavailable, match="gone"):
        await offsets(reader, 3, 8)
