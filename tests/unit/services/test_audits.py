"""Each partition is compared once in an era; the reconciler repairs a wrong timeline, logs and counts it."""

import logging
import time

import pytest

from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import NotMine, StoreUnavailable
from microblog_streams.domain.models import Era
from microblog_streams.services import audits
from microblog_streams.services.audits import EdgeAudit, Reconciler
from tests.support.fakes.world import World
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
    monkeypatch.setattr(audits, "CHECK_SECONDS", 0.01)
    place.rise()
    place.failure = failure
    async with place.worker():
        await until(lambda: True)
        assert place.done_before == {}
        place.failure = None
        await until(lambda: place.done_before == {0: 1, 2: 1})


@pytest.mark.parametrize("failure", [NotMine("revoked"), ValueError("a row that cannot be read")])
async def test_a_partition_that_cannot_be_compared_holds_up_no_other(place, failure):
    async def compare(partition):
        if partition == 0:
            raise failure
        return 10, 0

    place.compare = compare
    worker = place.worker()
    place.rise()
    for _ in range(2):
        with pytest.raises(type(failure)):
            await worker.look()
    assert place.done_before == {2: 1}
    assert worker.counts.compared == 1


@pytest.mark.parametrize("failure", [StoreUnavailable("postgres", "away"), ValueError("a defect")])
async def test_of_what_fails_again_and_again_one_line_a_minute_is_logged(place, failure, monkeypatch, caplog):
    monkeypatch.setattr(audits, "CHECK_SECONDS", 0.0)
    caplog.set_level("INFO")
    now, looks = [1000.0], []
    monkeypatch.setattr(audits, "monotonic", lambda: now[0])
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
        now[0] += audits.QUIET_SECONDS
        await until(lambda: len(lines()) == 2)
        seen = len(looks)
        await until(lambda: len(looks) > seen + 10)
        assert len(lines()) == 2
        place.failure = None
        await until(lambda: place.done_before == {0: 1, 2: 1})
        place.rise()
        place.failure = failure
        await until(lambda: len(lines()) == 3)  # another time, which is told at once


@pytest.fixture
async def world():
    """A reader (1), who follows ann (2), and five posts of hers."""
    world = World()
    reader, ann = await world.people("reader", "ann")
    await world.follow(reader, ann)
    await world.write(ann, *["text"] * 5)
    return world


@pytest.fixture
def drawn():
    """Who is drawn next, the last of them for ever."""
    return [1]


@pytest.fixture
def make(world, drawn):
    async def draw():
        return drawn.pop(0) if len(drawn) > 1 else drawn[0]

    return lambda interval=1.0: Reconciler(world.operations.audit, draw, world.deliver, interval)


@pytest.fixture
def reconciler(make):
    return make()


async def test_a_right_timeline_is_counted_and_left_alone(world, reconciler):
    before = list(world.entries(1))
    await reconciler.reconcile()
    assert (reconciler.checked, reconciler.repaired) == (1, 0)
    assert world.entries(1) == before


async def test_a_wrong_one_is_made_cold_and_rebuilt_by_the_next_read(world, reconciler):
    world.entries(1).pop(2)
    await reconciler.reconcile()
    assert (reconciler.checked, reconciler.repaired) == (1, 1)
    assert reconciler.findings["missing"] == reconciler.findings.total() == 1
    assert 1 not in world.timelines.lists
    assert await world.scroll(1) == world.expected(1)
    await reconciler.reconcile()
    assert (reconciler.checked, reconciler.repaired) == (2, 1)


async def test_a_repair_is_an_error_in_the_log_with_the_ids(world, reconciler, caplog):
    post = world.expected(1)[2]
    world.entries(1).pop(2)
    await reconciler.reconcile()
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.getMessage() == (
        f"timeline_repaired user=1 missing=1 stray=0 doubled=0 misplaced=0 unindexed=0 posts=missing:{post}:2"
    )


async def test_a_post_that_its_authors_index_lost_is_written_there_before_the_rebuild(world, reconciler):
    lost = world.expected(1)[2]
    world.posts.unindexed.add(lost)
    await reconciler.reconcile()
    assert (reconciler.checked, reconciler.repaired) == (1, 1)
    assert lost in await world.posts.newest(2, None, 10)
    assert await world.scroll(1) == world.expected(1)
    await reconciler.reconcile()
    assert (reconciler.checked, reconciler.repaired) == (2, 1)


async def test_a_post_that_is_on_its_way_is_not_repaired(world, reconciler):
    await world.operations.posts.create(2, "late")
    await reconciler.reconcile()
    assert (reconciler.checked, reconciler.repaired) == (1, 0)
    assert 1 in world.timelines.lists


async def test_who_has_no_list_is_passed_over(world, reconciler, drawn):
    await world.people("cold")
    await world.timelines.remove(3)
    drawn[:] = [3, None, 3, 1]
    await reconciler.reconcile()
    assert (reconciler.checked, reconciler.repaired) == (1, 0)


async def test_without_users_there_is_nothing_to_check(world, reconciler, drawn):
    drawn[:] = [None]
    await reconciler.reconcile()
    assert (reconciler.checked, reconciler.repaired) == (0, 0)


async def test_a_store_that_is_away_is_no_finding_and_nothing_is_repaired(world, reconciler):
    world.entries(1).pop(2)
    world.posts.down = True
    with pytest.raises(StoreUnavailable):
        await reconciler.reconcile()
    assert (reconciler.checked, reconciler.repaired) == (0, 0)
    assert 1 in world.timelines.lists


async def test_the_service_goes_on_after_any_failure(world, make, drawn, caplog):
    caplog.set_level(logging.INFO)
    world.database.away = True
    async with make(0.001) as running:
        await until(lambda: "audit_skipped" in caplog.text)
        world.database.away = False
        drawn[:] = [{}]  # no id, and no store can take it
        await until(lambda: "audit_failed" in caplog.text)
        drawn[:] = [1]
        await until(lambda: running.checked > 1)


async def test_without_an_interval_it_does_nothing(make, world, monkeypatch):
    async def draw():
        raise AssertionError

    async with make(0.0) as idle:
        monkeypatch.setattr(idle, "reconcile", draw)
        await idle.sleep(0.01)
    assert idle.checked == 0


async def test_comparisons_and_their_rows_are_counted(place):
    worker = place.worker()
    place.rise()
    await worker.look()
    counts = worker.counts
    assert (counts.compared, counts.rows, counts.lost, counts.failed) == (2, 20, 0, 0)


async def test_a_comparison_that_fails_is_counted(place, monkeypatch):
    monkeypatch.setattr(audits, "CHECK_SECONDS", 0.001)
    worker = place.worker()
    place.rise()
    place.failure = StoreUnavailable("postgres", "away")
    await worker.start()
    await until(lambda: worker.counts.failed >= 2)
    await worker.stop()
    assert worker.counts.compared == 0
