"""Each partition is compared once in an era, by its owner, and again by an owner that learns of the era meanwhile."""

import time

import pytest

from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import NotMine, StoreUnavailable
from microblog_streams.domain.models import Era
from microblog_streams.services import edge_audit
from microblog_streams.services.edge_audit import EdgeAudit
from tests.support.waiting import until

LONG_AGO = 1.0


class Place:
    """What a worker has and knows, what was written down, and what it compared."""

    def __init__(self):
        self.mine, self.audit, self.era = [0, 2], 0, Era()
        self.done_before: dict[int, int] = {}
        self.compared: list[int] = []
        self.failure = None

    async def done(self, generation, audit):
        assert generation == 1
        return {partition for partition, at in self.done_before.items() if at >= audit}

    async def record(self, generation, partition, audit):
        self.done_before[partition] = audit

    async def compare(self, partition):
        if self.failure:
            raise self.failure
        self.compared.append(partition)
        return 10, 0

    def rise(self, began=LONG_AGO):
        self.audit += 1
        self.era = Era(self.era.number + 1, began)

    def worker(self):
        seen = lambda: (Deployment(1, 4, self.era.number, audit=self.audit), self.era)  # noqa: E731
        return EdgeAudit(self, self.compare, lambda: self.mine, seen, 1)


@pytest.fixture
def place():
    return Place()


async def test_before_anything_was_lost_nothing_is_compared(place):
    await place.worker().look()
    assert place.compared == []


async def test_in_a_new_era_each_partition_is_compared_once_and_written_down(place):
    worker = place.worker()
    place.rise()
    for _ in range(3):
        await worker.look()
    assert (place.compared, place.done_before) == ([0, 2], {0: 1, 2: 1})


async def test_what_another_has_compared_counts_for_who_gets_it_later(place):
    place.rise()
    place.done_before = {0: 1}
    await place.worker().look()
    assert place.compared == [2]


async def test_in_the_first_minute_it_does_not(place):
    place.rise(began=time.time())
    place.done_before = {0: 1, 2: 1}
    await place.worker().look()
    assert place.compared == [0, 2]


async def test_who_learns_of_an_era_compares_all_that_it_had(place):
    worker = place.worker()
    place.rise()
    await worker.look()
    place.rise()
    place.done_before = {0: 2, 2: 2}
    await worker.look()
    assert place.compared == [0, 2, 0, 2]


async def test_who_learns_late_of_an_era_goes_by_no_other_workers_word(place):
    """It may have written rows of lost edges after the other had compared them: it was cut off from PostgreSQL."""
    worker = place.worker()
    await worker.look()
    place.rise()
    place.done_before = {0: 1, 2: 1}
    await worker.look()
    assert place.compared == [0, 2]


async def test_what_comes_to_who_knows_the_era_already_was_compared_by_another(place):
    worker = place.worker()
    place.mine = []
    place.rise()
    await worker.look()
    place.mine, place.done_before = [0, 2], {0: 1, 2: 1}
    await worker.look()
    assert place.compared == []


async def test_a_partition_that_comes_back_is_looked_at_again(place):
    worker = place.worker()
    place.rise()
    await worker.look()
    place.mine = []
    await worker.look()
    place.mine, place.done_before = [0], {}
    await worker.look()
    assert place.compared == [0, 2, 0]


@pytest.mark.parametrize("failure", [StoreUnavailable("postgres", "away"), NotMine("revoked"), ValueError("a defect")])
async def test_what_failed_is_tried_again(place, failure, monkeypatch):
    monkeypatch.setattr(edge_audit, "CHECK_SECONDS", 0.01)
    place.rise()
    place.failure = failure
    async with place.worker():
        await until(lambda: True)
        assert place.done_before == {}
        place.failure = None
        await until(lambda: place.done_before == {0: 1, 2: 1})


@pytest.mark.parametrize("failure", [StoreUnavailable("postgres", "away"), ValueError("a defect")])
async def test_of_what_fails_again_and_again_one_line_a_minute_is_logged(place, failure, monkeypatch, caplog):
    monkeypatch.setattr(edge_audit, "CHECK_SECONDS", 0.0)
    caplog.set_level("INFO")
    now, looks = [1000.0], []
    monkeypatch.setattr(edge_audit, "monotonic", lambda: now[0])
    place.rise()

    async def compare(partition):
        looks.append(partition)
        if place.failure:
            raise place.failure
        return 10, 0

    def lines():
        return [line for line in caplog.messages if line.startswith("edges_not_compared")]

    place.compare, place.failure = compare, failure
    async with place.worker():
        await until(lambda: len(looks) > 10)
        assert len(lines()) == 1
        now[0] += edge_audit.QUIET_SECONDS
        await until(lambda: len(lines()) == 2)
        seen = len(looks)
        await until(lambda: len(looks) > seen + 10)
        assert len(lines()) == 2
        place.failure = None
        await until(lambda: place.done_before == {0: 1, 2: 1})
        place.rise()
        place.failure = failure
        await until(lambda: len(lines()) == 3)  # another time, which is told at once
