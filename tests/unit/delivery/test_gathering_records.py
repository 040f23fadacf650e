"""Changelog records gather for a moment, so that one request carries many; a flush does not wait for that."""

import asyncio
from types import SimpleNamespace

import pytest

from microblog_streams.delivery.upstream import transport
from microblog_streams.delivery.upstream.transport import PatientBuffer
from tests.waiting import until

NEVER = 3600.0


class Channel:
    """Where records go."""

    def __init__(self):
        self.sent = []

    async def publish_message(self, future, wait):
        self.sent.append(future)


@pytest.fixture
def channel():
    return Channel()


@pytest.fixture
def record(channel):
    return lambda: SimpleNamespace(message=SimpleNamespace(channel=channel))


@pytest.fixture
async def buffer(monkeypatch):
    monkeypatch.setattr(transport, "GATHER", NEVER)
    buffer = PatientBuffer()
    buffer.app = SimpleNamespace(conf=SimpleNamespace(producer_threaded=False))
    await buffer.start()
    yield buffer
    buffer.pending = asyncio.Queue()  # Faust's buffer refuses to stop with records in it
    await buffer.stop()


async def test_records_after_the_first_gather(buffer, channel, record):
    buffer.put(record())
    await until(lambda: len(channel.sent) == 1)
    buffer.put(record())
    buffer.put(record())
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(channel.sent) == 1


async def test_a_flush_ends_although_others_go_on_adding(buffer, channel, record, monkeypatch):
    monkeypatch.setattr(transport, "GATHER", 0.0)
    for _ in range(5):
        buffer.put(record())

    async def add():
        while True:
            buffer.put(record())
            await asyncio.sleep(0)

    adding = asyncio.create_task(add())
    async with asyncio.timeout(20):
        await buffer.flush()
    adding.cancel()
    assert len(channel.sent) >= 5


async def test_a_flush_of_so_many_ends_with_them(buffer, channel, record, monkeypatch):
    monkeypatch.setattr(transport, "GATHER", 0.0)
    for _ in range(200):
        buffer.put(record())
    assert 3 <= await buffer.flush_atmost(3) <= len(channel.sent)


async def test_a_flush_of_nothing_returns(buffer):
    assert await buffer.flush_atmost(None) == 0


async def test_they_gather_no_longer_than_the_time(buffer, channel, record, monkeypatch):
    monkeypatch.setattr(transport, "GATHER", 0.001)
    for _ in range(3):
        buffer.put(record())
        await until(lambda: buffer.size == 0)
    assert len(channel.sent) == 3
