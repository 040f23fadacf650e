"""A changelog that ends before what the table on the disk was made from is read again from its beginning."""

from contextlib import asynccontextmanager

import pytest
from faust.tables.recovery import ConsistencyError, Recovery

from microblog_streams.delivery.faust_patches.recovery import PatchedRecovery
from tests.component.delivery.recovery_world import CHANGELOG, ChangelogConsumer, begun
from tests.support.waiting import until

#: The changelog has the records from FIRST to END - 1.
FIRST, END = 3, 10


class Shortened(ChangelogConsumer):
    """Has that changelog."""

    first, end = FIRST, END


@pytest.fixture
def recovering(tmp_path):
    """Begins the recovery of a table that has applied the record of an offset, until it has sought its changelog."""

    @asynccontextmanager
    async def begin(kind, applied, owner=True):
        async with begun(kind, tmp_path, Shortened(), applied, owner) as under_way:
            sought = under_way.consumer.sought
            await until(lambda: under_way.task.done() or {CHANGELOG} in [places.keys() for places in sought])
            yield under_way

    return begin


@pytest.mark.parametrize("owner", [True, False])
@pytest.mark.parametrize("applied", [END, 90])
async def test_it_is_read_again_and_its_older_rows_are_left_out(recovering, owner, applied):
    async with recovering(PatchedRecovery, applied, owner) as under_way:
        assert {CHANGELOG: FIRST - 1} in under_way.consumer.sought
        assert under_way.table.shortened == {CHANGELOG}


@pytest.mark.parametrize("owner", [True, False])
@pytest.mark.parametrize("applied", [END - 1, END - 4])
async def test_one_that_has_all_is_read_on(recovering, owner, applied):
    async with recovering(PatchedRecovery, applied, owner) as under_way:
        assert {CHANGELOG: applied} in under_way.consumer.sought
        assert under_way.table.shortened == set()


async def test_faust_s_own_recovery_ends_the_worker(recovering):
    """The defect of which the tests before are the mend: where this fails, the mend may go."""
    async with recovering(Recovery, 90) as under_way:
        with pytest.raises(ConsistencyError):
            await under_way.task
