"""The phases of a move to more partitions, from which phase it continues, and what it waits for."""

import pytest

from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.topics import EDGES, POSTS
from microblog_streams.repartition import repartition as module
from microblog_streams.repartition.repartition import ProgressWaits, RepartitionRun
from microblog_streams.stores.redis.worker_registry import Worker
from tests.support.fakes.repartition import FakeRepartition, FakeTopicsAndWaits, SilentProgress

CREATED = (Phase.SETTLED, "create", 2, 12)
FILLED = (Phase.COPYING, "fill", 2, 12)
WARMED = (Phase.FILLED, "warmed", 2, 12)
POSTS_CLOSED, POSTS_DRAINED = (Phase.SWITCHED, "close", POSTS, 1), (Phase.SWITCHED, "drained", POSTS, 1, 8)
EDGES_CLOSED, EDGES_DRAINED = (Phase.DRAINING, "close", EDGES, 1), (Phase.DRAINING, "drained", EDGES, 1, 8)
ALL = [CREATED, FILLED, POSTS_CLOSED, POSTS_DRAINED, EDGES_CLOSED, EDGES_DRAINED]

BEFORE, AFTER = Deployment(1, 8), Deployment(2, 12)
LEFT = {
    Phase.COPYING: ALL[1:],
    Phase.FILLED: ALL[2:],
    Phase.SWITCHED: ALL[2:],
    Phase.DRAINING: ALL[4:],
}


def during(phase):
    return Deployment(1, 8, 0, phase, 2, 12)


@pytest.fixture
def row():
    return FakeRepartition(BEFORE)


@pytest.fixture
def ground(row):
    return FakeTopicsAndWaits(row)


@pytest.fixture
def run(row, ground):
    return RepartitionRun(row, ground, ground, SilentProgress())


async def test_a_move_goes_through_its_phases_and_does_in_each_what_must_be_done_there(run, row, ground):
    """Topics are closed before it is waited for what they hold, or that would never end."""
    assert await run.run(12) == AFTER
    assert ground.done == ALL
    assert row.phases == [Phase.COPYING, Phase.FILLED, Phase.SWITCHED, Phase.DRAINING, Phase.SETTLED]


@pytest.mark.parametrize("phase", LEFT)
async def test_an_interrupted_move_goes_on_from_its_phase(run, row, ground, phase):
    row.deployment = during(phase)
    assert await run.run(12) == AFTER
    assert ground.done == LEFT[phase]


async def test_a_warm_move_waits_for_workers_of_the_next_generation_before_posts_go_there(row, ground):
    await RepartitionRun(row, ground, ground, SilentProgress(), warm=True).run(12)
    assert ground.done == [CREATED, FILLED, WARMED, *ALL[2:]]


async def test_fewer_partitions_are_refused(run, row, ground):
    with pytest.raises(SetupError, match="have 8 partitions: give a higher number"):
        await run.run(7)
    assert (row.deployment, ground.done) == (BEFORE, [])


async def test_a_move_that_ended_just_now_may_be_run_again(run, row, ground):
    """A command that was killed while it watched the workers is one whose end is unknown."""
    row.deployment = AFTER
    assert await run.run(12) == AFTER
    assert ground.done == []


@pytest.mark.parametrize("phase", LEFT)
async def test_another_number_is_refused_while_a_move_is_under_way(run, row, ground, phase):
    row.deployment = during(phase)
    with pytest.raises(SetupError, match="a move to 12 partitions has begun"):
        await run.run(16)
    assert ground.done == []


async def test_each_page_of_the_copy_makes_sure_that_the_move_is_still_this_commands(run, row, ground):
    async def lost():
        raise StoreUnavailable("postgres", "the session is gone")

    row.keep = lost
    with pytest.raises(StoreUnavailable):
        await run.run(12)
    assert row.deployment.phase is Phase.COPYING


async def test_posts_do_not_go_to_a_generation_that_has_lost_edges(run, row, ground):
    """Its workers would never learn of follows whose events expired while the move lay about."""
    row.deployment, ground.lost = during(Phase.FILLED), 5
    with pytest.raises(SetupError, match="5 events of the next generation expired: use --abandon"):
        await run.run(12)
    assert row.deployment.phase is Phase.FILLED


@pytest.mark.parametrize("phase", [Phase.COPYING, Phase.FILLED])
async def test_a_move_is_abandoned_before_posts_go_to_the_new_topics(run, row, phase):
    row.deployment = during(phase)
    assert await run.abandon() == BEFORE


@pytest.mark.parametrize("phase", [Phase.SWITCHED, Phase.DRAINING])
async def test_a_move_whose_posts_go_to_the_new_topics_is_not_abandoned(run, row, phase):
    row.deployment = during(phase)
    with pytest.raises(SetupError, match="run grow-partitions to its end"):
        await run.abandon()
    assert row.deployment == during(phase)


async def test_a_move_in_whose_next_generation_workers_ran_is_not_abandoned(run, row, ground):
    """One that ended between an unfollow and the follow after it leaves a hole that nothing else would fill."""
    row.deployment, ground.ran = during(Phase.FILLED), True
    with pytest.raises(SetupError, match="workers run in the next generation already, or did"):
        await run.abandon()
    assert row.deployment == during(Phase.FILLED)


async def test_where_nothing_is_under_way_there_is_nothing_to_abandon(run, ground):
    ground.ran = True
    assert await run.abandon() == BEFORE


class Offsets:
    """Answers one count after the other, the last one for good; ``asked`` is for whom."""

    def __init__(self):
        self.counts = [0]
        self.answers = []
        self.done = {}
        self.asked = []

    async def total_lag(self, group, topics, partitions):
        self.asked.append((group, tuple(topics), partitions))
        return self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]

    async def end_offsets(self, topics, partitions):
        return tuple(topics), partitions

    async def has_committed(self, group, ends):
        self.asked.append((group, *ends))
        return self.answers.pop(0)

    async def progress(self, group, topic, partitions):
        return self.done.get((group, topic), 0), 10


class WorkerRegistry:
    def __init__(self):
        self.looks = [[]]

    async def workers(self):
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def worker(name, generation, *partitions):
    return Worker(name, f"http://{name}", "both", partitions, generation)


@pytest.fixture
def offsets():
    return Offsets()


@pytest.fixture
def registry():
    return WorkerRegistry()


@pytest.fixture
def kept():
    return []


@pytest.fixture
def waits(offsets, registry, kept, monkeypatch):
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.001)

    async def keep():
        kept.append(True)

    return ProgressWaits(offsets, registry.workers, keep, SilentProgress())


async def test_a_generation_is_drained_when_all_that_its_topics_hold_is_acknowledged(waits, offsets, kept):
    offsets.counts = [7, 7, 2, 0]
    await waits.wait_until_drained("posts", POSTS, 2, 12)
    assert set(offsets.asked) == {("microblog.g2", ("post.created.g2", "post.deleted.g2"), 12)}
    assert (len(offsets.asked), len(kept)) == (4, 2)


async def test_a_wait_ends_with_the_move(waits, offsets, monkeypatch):
    async def lost():
        raise StoreUnavailable("postgres", "the session is gone")

    offsets.counts = [7]
    with pytest.raises(StoreUnavailable):
        await ProgressWaits(offsets, waits.workers, lost, SilentProgress()).wait_until_drained("posts", POSTS, 1, 8)


async def test_a_generation_is_warm_when_its_workers_have_all_partitions_and_have_caught_up(waits, offsets, registry):
    half, whole = [worker("a", 1, 0, 1), worker("c", 2, 0)], [worker("c", 2, 0), worker("d", 2, 1)]
    registry.looks = [half, whole, [*whole, worker("last", 2)]]
    offsets.answers = [False, False, True]
    await waits.wait_until_warm(2, 2)
    assert registry.looks == [[*whole, worker("last", 2)]]
    assert offsets.answers == []
    assert offsets.asked == [("microblog.g2", tuple(f"{name}.g2" for name in EDGES), 2)] * 3


async def test_what_comes_after_all_partitions_are_there_is_not_waited_for(waits, offsets, registry):
    """Under load some event is always under way: with a steady trickle of follows a warm move never went on."""
    registry.looks = [[worker("c", 2, 0)]]
    offsets.counts = [5]
    offsets.answers = [True]
    await waits.wait_until_warm(2, 1)


async def test_a_generation_has_begun_when_a_worker_runs_in_it_or_did(waits, offsets, registry):
    registry.looks = [[worker("a", 1, 0)]]
    assert not await waits.has_begun(2, 12)
    offsets.done["microblog.g2", "user.unfollow.g2"] = 3
    assert await waits.has_begun(2, 12)
    offsets.done = {}
    registry.looks = [[worker("a", 1, 0), worker("b", 2)]]
    assert await waits.has_begun(2, 12)


async def test_workers_are_watched_until_all_have_started_again(waits, registry):
    registry.looks = [
        [worker("a", 1), worker("b", 1)],
        [worker("a", 2), worker("b", 1)],
        [worker("a", 2), worker("b", 2)],
    ]
    assert await waits.wait_until_restarted(2) == []


async def test_those_that_do_not_start_again_are_named_after_a_while(waits, registry, monkeypatch):
    monkeypatch.setattr(module, "_RESTART_SECONDS", 0.05)
    registry.looks = [[worker("a", 1), worker("b", 2)]]
    assert await waits.wait_until_restarted(2) == [worker("a", 1)]
