"""A changelog that ends before what the table on the disk was made from is read again from its beginning."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from unittest.mock import Mock

import faust
import pytest
from faust.tables.recovery import ConsistencyError, Recovery
from faust.types import TP

from microblog_streams.delivery.faust_patches.recovery import PatchedRecovery
from tests.support.waiting import until

CHANGELOG = TP("changelog", 0)
#: The changelog has the records from FIRST to END - 1.
FIRST, END = 3, 10


class Consumer(Mock):
    """Has that changelog."""

    async def highwaters(self, *partitions):
        return dict.fromkeys(partitions, END)

    async def earliest_offsets(self, *partitions):
        return dict.fromkeys(partitions, FIRST)

    async def seek_wait(self, partitions):
        self.sought.append(dict(partitions))

    async def perform_seek(self):
        pass

    def assignment(self):
        return {CHANGELOG}


@pytest.fixture
def recovering(tmp_path):
    """Begins the recovery of a table, as its owner or as a standby, that has applied the record of this offset."""

    @asynccontextmanager
    async def begin(kind, applied, owner=True):
        app = faust.App("shortened-test", datadir=tmp_path, store="memory://", broker="kafka://127.0.0.1:1")
        app.consumer = Consumer(sought=[])
        app._fetcher = SimpleNamespace(maybe_start=lambda: asyncio.sleep(0))
        app.tables["followers"] = table = Mock(recovery_buffer_size=1_000, shortened=set())
        table.on_recovery_completed = lambda actives, standbys: asyncio.sleep(0)
        recovery = kind(app, app.tables)
        recovery.tp_to_table[CHANGELOG] = table
        (recovery.active_tps if owner else recovery.standby_tps).add(CHANGELOG)
        (recovery.active_offsets if owner else recovery.standby_offsets)[CHANGELOG] = applied
        task = asyncio.create_task(recovery._restart_recovery.fun(recovery))
        recovery.signal_recovery_start.set()
        await until(lambda: task.done() or {CHANGELOG} in [places.keys() for places in app.consumer.sought])
        yield SimpleNamespace(sought=app.consumer.sought, table=table, task=task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return begin


@pytest.mark.parametrize("owner", [True, False])
@pytest.mark.parametrize("applied", [END, 90])
async def test_it_is_read_again_and_its_older_rows_are_left_out(recovering, owner, applied):
    async with recovering(PatchedRecovery, applied, owner) as begun:
        assert {CHANGELOG: FIRST - 1} in begun.sought
        assert begun.table.shortened == {CHANGELOG}


@pytest.mark.parametrize("owner", [True, False])
@pytest.mark.parametrize("applied", [END - 1, END - 4])
async def test_one_that_has_all_is_read_on(recovering, owner, applied):
    async with recovering(PatchedRecovery, applied, owner) as begun:
        assert {CHANGELOG: applied} in begun.sought
        assert begun.table.shortened == set()


async def test_faust_s_own_recovery_ends_the_worker(recovering):
    """The defect of which the tests before are the mend: where this fails, the mend may go."""
    async with recovering(Recovery, 90) as begun:
        with pytest.raises(ConsistencyError):
            await begun.task
