"""How far a group is behind, asked of a Kafka that has gaps, or does not know the group yet."""

from types import SimpleNamespace

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.kafka.consumer_lag import Offsets

FIRST, END = 3, 10


class Kafka:
    """Both clients of one: each partition has the records from FIRST to END; the group's commits are given."""

    def __init__(self, committed):
        self.committed = committed

    async def beginning_offsets(self, places):
        return dict.fromkeys(places, FIRST)

    async def end_offsets(self, places):
        return dict.fromkeys(places, END)

    async def list_consumer_group_offsets(self, group, partitions):
        told = zip(partitions, self.committed, strict=False)
        return {place: SimpleNamespace(offset=offset) for place, offset in told}


@pytest.fixture
def offsets():
    def of(*committed):
        return Offsets(Kafka(committed), Kafka(committed))

    return of


@pytest.mark.parametrize(("committed", "behind"), [((10, 10), 0), ((7, 10), 3), ((-1, 10), END - FIRST), ((0, 12), 7)])
async def test_what_has_expired_counts_as_acknowledged(offsets, committed, behind):
    assert await offsets(*committed).total_lag("group", ["topic"], 2) == behind


@pytest.mark.parametrize(("committed", "reached"), [((10, 10), True), ((9, 10), False), ((-1, 10), False)])
async def test_ends_are_reached_when_all_before_them_is_acknowledged(offsets, committed, reached):
    kafka = offsets(*committed)
    assert await kafka.has_committed("group", await kafka.end_offsets(["topic"], 2)) is reached


@pytest.mark.parametrize(("committed", "expired"), [((10, 10), 0), ((1, 3), 2), ((-1, 10), FIRST)])
async def test_what_expired_before_it_was_acknowledged_is_counted(offsets, committed, expired):
    assert await offsets(*committed).expired("group", ["topic"], 2) == expired


async def test_a_broker_that_does_not_know_the_group_yet_is_not_there_yet(offsets):
    kafka = offsets(10)
    with pytest.raises(StoreUnavailable, match="partition=1"):
        await kafka.has_committed("group", await kafka.end_offsets(["topic"], 2))


async def test_lags_are_told_by_partition(offsets):
    assert await offsets(7, -1).lags("group", ["topic"], 2) == {("topic", 0): 3, ("topic", 1): END - FIRST}
