"""A recovery of which a step got no answer in time begins again, and its worker does not stand still."""

import asyncio

import pytest
from aiokafka.errors import KafkaTimeoutError
from faust.tables.recovery import Recovery

from microblog_streams.delivery.faust_patches.recovery import PatchedRecovery
from tests.component.delivery.recovery_world import CHANGELOG, ChangelogConsumer, begun
from tests.support.waiting import DEADLINE_SECONDS, until


async def silence():
    """What a broker that is away answers."""
    await asyncio.Event().wait()


async def late():
    """What aiokafka raises where it gives up first."""
    raise KafkaTimeoutError("Failed to get offsets by times")


class Silent(ChangelogConsumer):
    """Has a changelog without records, of which the first question is not answered."""

    first_answer = staticmethod(silence)
    questions = 0

    async def highwaters(self, *partitions):
        self.questions += 1
        if self.questions == 1:
            await self.first_answer()
        return await super().highwaters(*partitions)


@pytest.fixture
def recovering(tmp_path):
    """Begins the recovery of a table after a rebalance."""

    def begin(kind, first_answer=silence):
        return begun(kind, tmp_path, Silent(first_answer=first_answer), step_seconds=0.01)

    return begin


@pytest.mark.parametrize("first_answer", [silence, late])
async def test_a_step_without_an_answer_begins_the_recovery_again(recovering, first_answer):
    async with recovering(PatchedRecovery, first_answer) as under_way:
        await until(lambda: under_way.recovery.completed.is_set() or under_way.task.done())
        assert under_way.recovery.completed.is_set()
        assert under_way.consumer.questions == 2
        under_way.consumer.pause_partitions.assert_any_call({CHANGELOG})


async def test_a_worker_that_stops_ends_its_recovery(recovering):
    async with recovering(PatchedRecovery) as under_way:
        await until(lambda: under_way.consumer.questions)
        under_way.recovery._stopped.set()
        await asyncio.wait_for(under_way.task, DEADLINE_SECONDS)
        assert not under_way.recovery.completed.is_set()


async def test_faust_s_own_recovery_ends_for_good(recovering):
    """The defect of which the first test is the mend: where this fails, the mend may go."""
    async with recovering(Recovery) as under_way:
        await asyncio.wait_for(under_way.task, DEADLINE_SECONDS)
        assert not under_way.recovery.completed.is_set()
