"""The reconciler repairs what is wrong, says so and counts it; what cannot be known is neither."""

import logging

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.services.reconciler import Reconciler
from tests.support.fakes.world import World
from tests.support.waiting import until


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
