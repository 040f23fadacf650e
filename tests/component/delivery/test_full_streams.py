"""A partition whose events wait, because it halted, holds up no other: Faust's own reading and its own queues.

A stream's queue has an end, and Faust waits at it with all partitions. It stops reading a partition before that, but
accepts what it has read already: so this must fit in.
"""

import asyncio
from types import SimpleNamespace

import faust
import pytest
from faust.transport.consumer import Consumer
from faust.types import TP
from faust.types.tuples import Message

from microblog_streams.bootstrap.faust_app import configuration
from microblog_streams.config.settings import Settings
from tests.support.waiting import until

HALTED, OTHER = TP("events", 0), TP("events", 1)
#: More small events than a stream's queue takes, in one fetch of a partition.
BEHIND = 20_000


class MemoryConsumer(Consumer):
    """Reads a partition with a long backlog, then one with a single event; as many at a time as aiokafka would."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.left = {HALTED: list(range(BEHIND)), OTHER: [0]}

    async def _getmany(self, active_partitions, timeout):
        await asyncio.sleep(0.001)
        for partition in (HALTED, OTHER):
            if partition in active_partitions and self.left[partition]:
                end = self.app.conf.broker_max_poll_records or BEHIND
                read, self.left[partition] = self.left[partition][:end], self.left[partition][end:]
                return {partition: read}
        return {}

    def _to_message(self, tp, record):
        return Message(tp.topic, tp.partition, record, 0.0, 0, None, b"", b"", None, tp=tp, generation_id=1)

    def highwater(self, tp):
        return BEHIND


for _name in Consumer.__abstractmethods__ - set(vars(MemoryConsumer)):
    setattr(MemoryConsumer, _name, None)
MemoryConsumer.__abstractmethods__ = frozenset()


@pytest.fixture
async def reading(tmp_path):
    """Reads both partitions into streams of which nothing is taken; returns the queues."""
    tasks = []

    def read(**options):
        app = faust.App("full-test", datadir=tmp_path, store="memory://", broker="kafka://127.0.0.1:1", **options)
        transport = SimpleNamespace(app=app, create_transaction_manager=lambda **options: None)
        handlers = {}

        async def deliver(message):
            await handlers[message.tp](message)

        app.consumer = consumer = MemoryConsumer(transport, deliver, None, None)
        topic = app.topic("events", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        channels = {tp: topic.clone(is_iterator=True, active_partitions={tp}) for tp in (HALTED, OTHER)}
        handlers |= {tp: app.topics._build_handler(tp, {channel}) for tp, channel in channels.items()}
        app.flow_control.resume()
        consumer.resume_partitions({HALTED, OTHER})
        tasks.append(asyncio.create_task(consumer._drain_messages(SimpleNamespace(_stopped=asyncio.Event()))))
        return channels[HALTED].queue, channels[OTHER].queue

    yield read
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def workers_own():
    """Return how a worker reads."""
    options = configuration(Settings(), 1, 8)
    return {name: options[name] for name in ("broker_max_poll_records", "stream_buffer_maxsize") if name in options}


async def test_a_partition_that_halted_holds_up_no_other(reading):
    halted, other = reading(**workers_own())
    await until(lambda: other.qsize() == 1 or halted.full())
    assert other.qsize() == 1
    assert not halted.full()


async def test_with_faust_s_own_numbers_it_does(reading):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    halted, other = reading()
    await until(halted.full)
    assert other.qsize() == 0
