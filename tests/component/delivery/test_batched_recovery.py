"""Records of changelogs are applied as they arrive, each once, to the table that they are of, and none is lost."""

import asyncio
from types import SimpleNamespace

import faust
import pytest
from faust.tables.recovery import Recovery
from faust.types import TP

from microblog_streams.delivery.faust_patches import recovery
from microblog_streams.delivery.faust_patches.recovery import PatchedRecovery
from tests.support.waiting import until

ACTIVE, STANDBY, LOST = TP("changelog", 0), TP("changelog", 1), TP("changelog", 2)


class Table:
    """Notes what is applied, a list for each time."""

    recovery_buffer_size = standby_buffer_size = 3

    def __init__(self):
        self.batches = []
        self.error = None

    @property
    def rows(self):
        return [row for batch in self.batches for row in batch]

    def apply_changelog_batch(self, events):
        if self.error:
            raise self.error
        if events:
            self.batches.append([(event.message.tp, event.message.offset) for event in events])

    async def on_changelog_event(self, event):
        """Faust calls it for each."""


@pytest.fixture
async def reading(tmp_path):
    """Reads an active and a standby partition's changelogs back; ``kind`` is whose recovery."""
    tasks = []

    def begin(kind=PatchedRecovery, highwater=4):
        app = faust.App("reading-test", datadir=tmp_path, store="memory://", broker="kafka://127.0.0.1:1")
        recovery, table = kind(app, app.tables), Table()
        recovery.tp_to_table.update(dict.fromkeys((ACTIVE, STANDBY), table))
        recovery.active_tps.add(ACTIVE)
        recovery.standby_tps.add(STANDBY)
        recovery.active_offsets[ACTIVE], recovery.active_highwaters[ACTIVE] = -1, highwater
        recovery._set_recovery_started()
        tasks.append(asyncio.create_task(recovery._slurp_changelogs.fun(recovery)))
        return SimpleNamespace(recovery=recovery, table=table, queue=app.tables.changelog_queue)

    yield begin
    for task in tasks:
        task.cancel()


def put(reading, tp, *offsets):
    for offset in offsets:
        message = SimpleNamespace(tp=tp, offset=offset, topic=tp.topic, partition=tp.partition)
        reading.queue.put_nowait(SimpleNamespace(message=message))


def of(tp, *offsets):
    return [(tp, offset) for offset in offsets]


async def test_arrived_records_are_applied_in_one_batch_and_the_end_is_signalled(reading):
    one = reading()
    ended = asyncio.create_task(one.recovery.signal_recovery_end.wait())
    put(one, ACTIVE, 0, 1, 2, 3, 4)
    await until(ended.done)
    assert one.table.batches == [of(ACTIVE, 0, 1, 2, 3, 4)]
    assert not one.recovery.in_recovery


async def test_what_is_missing_is_counted_once_for_all_that_arrived(reading, monkeypatch):
    looks = []
    monkeypatch.setattr(PatchedRecovery, "need_recovery", lambda self: looks.append(1) or True)
    one = reading()
    put(one, ACTIVE, *range(100))
    await until(lambda: len(one.table.rows) == 100)
    assert len(looks) == 1


async def test_others_have_a_turn_between_many(reading, monkeypatch):
    monkeypatch.setattr(recovery, "MAX_BATCH", 3)
    one = reading(highwater=9)
    put(one, ACTIVE, *range(9))
    await until(lambda: len(one.table.rows) == 9)
    assert one.table.batches == [of(ACTIVE, *range(at, at + 3)) for at in (0, 3, 6)]


async def test_an_applied_event_is_not_applied_again(reading):
    one = reading(highwater=5)
    put(one, ACTIVE, 0, 1, 2, 1, 2, 3, 4, 5)
    await until(lambda: not one.recovery.in_recovery)
    assert one.table.rows == of(ACTIVE, 0, 1, 2, 3, 4, 5)


async def test_a_standby_is_read_after_the_end_too(reading):
    one = reading(highwater=0)
    put(one, ACTIVE, 0)
    await until(lambda: not one.recovery.in_recovery)
    put(one, STANDBY, 0, 1, 2)
    await until(lambda: one.table.rows[1:] == of(STANDBY, 0, 1, 2))


async def test_a_row_that_cannot_be_applied_is_retried(reading, monkeypatch, caplog):
    monkeypatch.setattr(recovery, "QUIET_SECONDS", 0.01)
    one = reading()
    one.table.error = OSError("no space left")
    put(one, ACTIVE, 0, 1, 2, 3, 4)
    await until(lambda: "no space left" in caplog.text)
    assert one.recovery.in_recovery
    one.table.error = None
    await until(lambda: not one.recovery.in_recovery)
    assert one.table.rows == of(ACTIVE, 0, 1, 2, 3, 4)


@pytest.mark.parametrize("kind", [PatchedRecovery, Recovery])
async def test_a_record_of_a_partition_that_is_not_read_is_left_out(reading, kind):
    one = reading(kind, highwater=1)
    put(one, ACTIVE, 0)
    put(one, LOST, 7)
    put(one, ACTIVE, 1)
    await until(lambda: not one.recovery.in_recovery)
    # The defect of which this is the mend: where Faust's own leaves it out, the mend may go.
    assert (of(LOST, 7)[0] in one.table.rows) == (kind is Recovery)
