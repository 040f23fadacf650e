"""No event flows between a rebalance and the seek to the committed offsets.

Faust's own consumer, fetching, flow control and recovery, on a partition in memory.
"""

import asyncio
from types import SimpleNamespace
from unittest.mock import AsyncMock

import faust
import pytest
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer
from faust.types import TP
from faust.types.tuples import Message

from microblog_streams.delivery.faust_patches.recovery import PatchedRecovery, PatchedTableManager
from tests.support.waiting import until

PARTITION, CHANGELOG = TP("events", 0), TP("changelog", 0)
EVENTS = 10


class MemoryConsumer(Consumer):
    """Reads a partition that holds EVENTS records and of which nothing is committed."""

    position = 0
    #: Reads that were begun: when one begins, what those before it brought is delivered.
    reads = 0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.sought = {}

    async def _getmany(self, active_partitions, timeout):
        self.reads += 1
        await asyncio.sleep(0.001)
        if PARTITION not in active_partitions:
            return {}
        first, self.position = self.position, EVENTS
        return {PARTITION: range(first, EVENTS)} if first < EVENTS else {}

    def _to_message(self, tp, record):
        generation = self.app.consumer_generation_id
        return Message(tp.topic, tp.partition, record, 0.0, 0, None, b"", b"", None, tp=tp, generation_id=generation)

    async def seek_to_committed(self):
        """As the real one: the position is set in another thread, and the answer comes later."""
        self.position = 0
        for _ in range(50):  # turns of the loop, and not one time that a pause of the machine uses up
            await asyncio.sleep(0.001)
        return {PARTITION: 0}

    async def seek_wait(self, partitions):
        assert not self.flow_active, "what is read before the seek is thrown away"
        self.sought |= partitions

    def assignment(self):
        return {PARTITION, CHANGELOG}

    def highwater(self, tp):
        return EVENTS

    async def _commit(self, offsets):
        return True

    async def _seek(self, partition, offset):
        self.position = offset

    def _new_topicpartition(self, topic, partition):
        return TP(topic, partition)


for _name in Consumer.__abstractmethods__ - set(vars(MemoryConsumer)):
    setattr(MemoryConsumer, _name, None)
MemoryConsumer.__abstractmethods__ = frozenset()


@pytest.fixture
async def recover(tmp_path):
    """Runs a recovery's end while the fetcher runs; returns the offsets that the streams get to see."""
    draining = []

    async def run(kind):
        app = faust.App("recovery-test", datadir=tmp_path, store="memory://", broker="kafka://127.0.0.1:1")
        app.consumer_generation_id = 1
        queue = app.FlowControlQueue(maxsize=1_000, clear_on_resume=True)
        transport = SimpleNamespace(app=app, create_transaction_manager=lambda **options: None)

        async def deliver(message):
            await queue.put(message)

        app.consumer = consumer = MemoryConsumer(transport, deliver, None, None)
        app._fetcher = SimpleNamespace(maybe_start=lambda: asyncio.sleep(0), _stopped=asyncio.Event())
        app.flow_control.resume()  # as the recovery left it, where the tables need none
        consumer.resume_partitions({CHANGELOG})
        draining.append(asyncio.create_task(consumer._drain_messages(app._fetcher)))
        await until(lambda: consumer.reads)
        recovery = kind(app, app.tables)
        await recovery.on_recovery_completed(1)
        await until(lambda: consumer.position == EVENTS)
        reads = consumer.reads
        await until(lambda: consumer.reads > reads + 1)
        return [queue.get_nowait().offset for _ in range(queue.qsize())]

    yield run
    for task in draining:
        task.cancel()
    await asyncio.gather(*draining, return_exceptions=True)


async def test_every_event_past_the_commit_reaches_the_streams(recover):
    assert await recover(PatchedRecovery) == list(range(EVENTS))


async def test_faust_s_own_recovery_loses_them(recover):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    assert await recover(Recovery) == []


@pytest.fixture
async def standby(tmp_path):
    """Completes a recovery while a standby table has applied 4 records and 3 more wait; returns where it reads on."""

    async def complete(kind):
        app = faust.App("standby-test", datadir=tmp_path, store="memory://", broker="kafka://127.0.0.1:1")
        app.consumer_generation_id = 1
        transport = SimpleNamespace(app=app, create_transaction_manager=lambda **options: None)
        app.consumer = consumer = MemoryConsumer(transport, len, None, None)
        app._fetcher = SimpleNamespace(maybe_start=lambda: asyncio.sleep(0))
        recovery = kind(app, app.tables)
        recovery.standby_tps.add(CHANGELOG)
        recovery.standby_offsets[CHANGELOG] = 3
        app.flow_control.resume()
        for offset in (4, 5, 6):
            app.tables.changelog_queue.put_nowait(offset)
        await recovery.on_recovery_completed(1)
        assert app.tables.changelog_queue.empty()
        return consumer.sought

    return complete


async def test_a_standby_reads_again_what_had_not_been_applied(standby):
    assert await standby(PatchedRecovery) == {CHANGELOG: 3}


async def test_faust_s_own_standby_misses_it(standby):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    assert await standby(Recovery) == {}


def test_the_table_manager_recovers_steadily(tmp_path):
    app = faust.App("recovery-test", datadir=tmp_path, store="memory://", TableManager=PatchedTableManager)
    assert isinstance(app.tables.recovery, PatchedRecovery)
    assert app.tables.recovery is app.tables.recovery


async def test_the_tables_are_registered_without_a_pause(tmp_path):
    """The group is joined only then: a worker is ready a second earlier."""
    app = faust.App("start-test", datadir=tmp_path, store="memory://", TableManager=PatchedTableManager)
    tables = app.tables
    tables.recovery.start = started = AsyncMock()
    tables._update_channels = AsyncMock(side_effect=tables._tables_registered.set)
    tables.sleep = AsyncMock(side_effect=AssertionError("it waits"))
    await tables.on_start()
    assert tables._tables_registered.is_set()
    started.assert_awaited_once()


async def test_faust_s_own_table_manager_pauses_first(tmp_path):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    app = faust.App("start-test", datadir=tmp_path, store="memory://")
    app.tables.sleep = AsyncMock(side_effect=AssertionError("it waits"))
    with pytest.raises(AssertionError, match="it waits"):
        await app.tables.on_start()
