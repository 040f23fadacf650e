"""The steps of a move on PostgreSQL: each from the phase before it alone, by one command at a time."""

from datetime import UTC, datetime

import pytest

from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.stores.postgres.connection import Lock
from microblog_streams.stores.postgres.deployment import get_deployment, moving
from tests.support.contracts.events import register

NOW = datetime(2026, 5, 17, tzinfo=UTC)
SETTLED = Deployment(1, 8)
#: Ends it; returns once it is gone, and its lock with it.
HOLDER = """
SELECT pg_terminate_backend(pid, 240000) FROM pg_locks JOIN pg_database ON pg_database.oid = database
 WHERE locktype = 'advisory' AND objid = %s AND datname = current_database()
"""
RESET = """
UPDATE deployment SET generation = 1, partitions = 8, phase = 'settled', next_generation = NULL, next_partitions = NULL,
       highest = 1
"""


@pytest.fixture
async def move(postgres, outsider):
    outsider(RESET)
    async with moving(postgres) as move:
        yield move
    outsider(RESET)


def under_way(phase):
    return Deployment(1, 8, 0, phase, 2, 12)


async def to(move, *phases):
    """Begin a move and bring it to a phase by those before it."""
    deployment = await move.begin(2, 12)
    for phase in phases:
        deployment = await move.advance(deployment.phase, phase)
    return deployment


async def test_a_move_goes_through_its_phases_to_the_next_generation(move, postgres):
    assert await move.begin(2, 12) == under_way(Phase.COPYING)
    assert await move.advance(Phase.COPYING, Phase.FILLED) == under_way(Phase.FILLED)
    assert await move.advance(Phase.FILLED, Phase.SWITCHED) == under_way(Phase.SWITCHED)
    assert await move.advance(Phase.SWITCHED, Phase.DRAINING) == under_way(Phase.DRAINING)
    assert await move.complete() == Deployment(2, 12)
    assert await get_deployment(postgres) == Deployment(2, 12)


async def test_repeating_a_step_changes_nothing(move):
    await to(move, Phase.FILLED, Phase.SWITCHED)
    assert await move.begin(3, 16) == under_way(Phase.SWITCHED)
    assert await move.advance(Phase.COPYING, Phase.FILLED) == under_way(Phase.SWITCHED)
    assert await move.advance(Phase.FILLED, Phase.SWITCHED) == under_way(Phase.SWITCHED)
    assert await move.complete() == under_way(Phase.SWITCHED)


@pytest.mark.parametrize("phases", [(), (Phase.FILLED,)])
async def test_a_move_is_abandoned_before_posts_go_to_the_next_generation(move, phases):
    await to(move, *phases)
    assert await move.abandon() == SETTLED


@pytest.mark.parametrize("phases", [(Phase.FILLED, Phase.SWITCHED), (Phase.FILLED, Phase.SWITCHED, Phase.DRAINING)])
async def test_a_move_is_not_abandoned_once_they_do(move, phases):
    before = await to(move, *phases)
    assert await move.abandon() == before


async def test_no_number_of_a_generation_is_given_twice(move):
    first = await move.number()
    await move.begin(first, 12)
    await move.abandon()
    assert (first, await move.number()) == (2, 3)


async def test_the_second_of_two_concurrent_commands_is_refused(move, postgres):
    with pytest.raises(SetupError, match="another grow-partitions is running"):
        async with moving(postgres):
            pass


async def test_a_command_that_lost_its_session_takes_no_step_beside_its_successor(move, postgres, outsider):
    await to(move)
    outsider(HOLDER, int(Lock.MOVE))
    async with moving(postgres):
        with pytest.raises(StoreUnavailable):
            await move.keep()
        with pytest.raises(StoreUnavailable):
            await move.advance(Phase.COPYING, Phase.FILLED)
    assert await get_deployment(postgres) == under_way(Phase.COPYING)


async def test_the_outbox_routes_an_event_by_the_phase(move, users, follows, outbox):
    ann, bob = await register(users, 2)
    await follows.set(ann, bob, True, NOW)

    async def go_to():
        return {record.generations for record in await outbox.head(10)}

    assert await go_to() == {(1,)}
    await move.begin(2, 12)
    assert await go_to() == {(1, 2)}
    await move.advance(Phase.COPYING, Phase.FILLED)
    await move.advance(Phase.FILLED, Phase.SWITCHED)
    assert await go_to() == {(1, 2)}
    await move.advance(Phase.SWITCHED, Phase.DRAINING)
    assert await go_to() == {()}
    await move.complete()
    assert await go_to() == {(2,)}
