"""A recovery of which a step got no answer in time begins again, and its worker does not stand still."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from unittest.mock import Mock

import faust
import pytest
from aiokafka.errors import KafkaTimeoutError
from faust.tables.recovery import Recovery
from faust.types import TP

from microblog_streams.delivery.faust_patches.recovery import PatchedRecovery
from tests.support.waiting import until

CHANGELOG = TP("changelog", 0)


async def silence():
    """What a broker that is away answers."""
    await asyncio.Event().wait()


async def late():
    """What aiokafka raises where it gives up first."""
    raise KafkaTimeoutError("Failed to get offsets by times")


class Consumer(Mock):
    """Has a changelog without records, of which the first question is not answered."""

    first_answer = staticmethod(silence)
    questions = 0

    async def highwaters(self, *partitions):
        self.questions += 1
        if self.questions == 1:
            await self.first_answer()
        return dict.fromkeys(partitions, 0)

    async def earliest_offsets(self, *partitions):
        return dict.fromkeys(partitions, 0)

    async def seek_wait(self, partitions):
        pass

    async def perform_seek(self):
        pass

    def assignment(self):
        return {CHANGELOG}


@pytest.fixture
def recovering(tmp_path):
    """Begins the recovery of a table after a rebalance."""

    @asynccontextmanager
    async def begin(kind, first_answer=silence):
        app = faust.App("timeouts-test", datadir=tmp_path, store="memory://", broker="kafka://127.0.0.1:1")
        app.conf.broker_request_timeout = 0.01
        app.consumer = consumer = Consumer(first_answer=first_answer)
        app._fetcher = SimpleNamespace(maybe_start=lambda: asyncio.sleep(0))
        app.tables["followers"] = table = Mock(recovery_buffer_size=1_000)
        table.on_recovery_completed = lambda actives, standbys: asyncio.sleep(0)
        recovery = kind(app, app.tables)
        recovery.tp_to_table[CHANGELOG] = table
        recovery.active_tps.add(CHANGELOG)
        recovery.active_offsets[CHANGELOG] = None
        task = asyncio.create_task(recovery._restart_recovery.fun(recovery))
        recovery.signal_recovery_start.set()
        yield SimpleNamespace(recovery=recovery, consumer=consumer, task=task)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return begin


@pytest.mark.parametrize("first_answer", [silence, late])
async def test_a_step_without_an_answer_begins_the_recovery_again(recovering, first_answer):
    async with recovering(PatchedRecovery, first_answer) as begun:
        await until(lambda: begun.recovery.completed.is_set() or begun.task.done())
        assert begun.recovery.completed.is_set()
        assert begun.consumer.questions == 2
        begun.consumer.pause_partitions.assert_any_call({CHANGELOG})


async def test_a_worker_that_stops_ends_its_recovery(recovering):
    async with recovering(PatchedRecovery) as begun:
        await until(lambda: begun.consumer.questions)
        begun.recovery._stopped.set()
        await asyncio.wait_for(begun.task, 5)
        assert not begun.recovery.completed.is_set()


async def test_faust_s_own_recovery_ends_for_good(recovering):
    """The defect of which the first test is the mend: where this fails, the mend may go."""
    async with recovering(Recovery) as begun:
        await asyncio.wait_for(begun.task, 5)
        assert not begun.recovery.completed.is_set()
