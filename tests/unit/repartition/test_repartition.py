"""The phases of a move to more partitions: what is done in which, and from which it goes on."""

import pytest

from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.topics import EDGES, POSTS
from microblog_streams.repartition.repartition import RepartitionRun
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
    """A command that was killed while it watched the workers is one that nobody knows to have ended."""
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
    """One that ended between an unfollow and the follow after it leaves a hole that nobody else would fill."""
    row.deployment, ground.ran = during(Phase.FILLED), True
    with pytest.raises(SetupError, match="workers run in the next generation already, or did"):
        await run.abandon()
    assert row.deployment == during(Phase.FILLED)


async def test_where_nothing_is_under_way_there_is_nothing_to_abandon(run, ground):
    ground.ran = True
    assert await run.abandon() == BEFORE
