"""Blocks in PostgreSQL, as far as no fake can show it: a block and a follow at the same moment, and a storm of both."""

import asyncio
import random
from datetime import UTC, datetime

import pytest

from microblog_streams.domain.errors import Blocked, NotFound
from microblog_streams.domain.models import IdempotencyKey
from microblog_streams.stores.postgres import follows as blocks_module
from microblog_streams.stores.postgres import follows as follows_module
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.follows import Blocks, Follows
from microblog_streams.stores.postgres.users import Users
from tests.support.connections import opened
from tests.support.contracts.blocks import begin, check_edges
from tests.support.contracts.events import register
from tests.support.waiting import until

NOW = datetime(2026, 5, 17, tzinfo=UTC)
KEY = IdempotencyKey("a follow", b"digest")
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
#: People in the storm, whom of them are deleted in it, and acts: more than there are pairs, so that they meet.
PEOPLE, DELETED, ACTS = 8, 2, 1500
#: Acts at a time, each on a session of its own.
AT_A_TIME = 16
KINDS = ("follow", "follow", "follow", "block", "unblock", "unfollow")


@pytest.fixture
def hold(monkeypatch):
    """Holds a store's next transaction right before a step: gives what tells that it is there, and what lets it go."""

    def hold(module, step):
        real, reached, released = getattr(module, step), asyncio.Event(), asyncio.Event()

        async def held(*args, **options):
            reached.set()
            await released.wait()
            return await real(*args, **options)

        monkeypatch.setattr(module, step, held)
        return reached, released

    return hold


@pytest.fixture
async def crowded(migrated_settings, postgres):
    """A pool with a session for each act of the storm."""
    async with opened(Postgres(migrated_settings.model_copy(update={"pool_size": AT_A_TIME}))) as crowded:
        yield crowded


@pytest.mark.parametrize("direction", [1, -1])
async def test_a_block_ends_a_concurrent_uncommitted_follow(users, follows, blocks, outbox, outsider, hold, direction):
    """The block waits for the follow, whichever of the two follows, and then finds its edge."""
    ada, bob = await register(users, 2)
    reached, released = hold(follows_module, "finish")  # a follow with a key is not committed before that
    follow = asyncio.create_task(follows.set(*(ada, bob)[::direction], True, NOW, KEY))
    await reached.wait()

    block = asyncio.create_task(blocks.block(ada, bob, NOW))
    await until(lambda: outsider(WAITING))
    released.set()
    await asyncio.gather(follow, block)

    (edge,) = await follows.edges_page((0, 0), 9)
    assert (edge.following, edge.version) == (False, 2)
    await check_edges(follows, blocks, outbox, [ada, bob])


@pytest.mark.parametrize("direction", [1, -1])
async def test_a_follow_waits_for_an_uncommitted_block_and_is_refused(
    users, follows, blocks, outsider, hold, direction
):
    ada, bob = await register(users, 2)
    reached, released = hold(blocks_module, "unfollow")
    block = asyncio.create_task(blocks.block(ada, bob, NOW))
    await reached.wait()

    follow = asyncio.create_task(follows.set(*(ada, bob)[::direction], True, NOW))
    await until(lambda: outsider(WAITING))
    released.set()
    await block

    with pytest.raises(Blocked):
        await follow
    assert await follows.edges_page((0, 0), 9) == []


async def test_blocking_a_user_does_not_wait_for_their_concurrent_followers(users, follows, blocks, hold):
    ada, star, fan = await register(users, 3)
    reached, released = hold(follows_module, "finish")
    follow = asyncio.create_task(follows.set(fan, star, True, NOW, KEY))
    await reached.wait()

    await blocks.block(ada, star, NOW)

    assert not follow.done()
    released.set()
    assert (await follow).following


async def test_deleting_a_user_waits_for_a_concurrent_block_and_deletes_it(users, blocks, postgres, outsider, hold):
    ada, bob = await register(users, 2)
    reached, released = hold(blocks_module, "unfollow")
    block = asyncio.create_task(blocks.block(ada, bob, NOW))
    await reached.wait()

    deletion = asyncio.create_task(users.delete(bob, NOW))
    await until(lambda: outsider(WAITING))
    released.set()
    await asyncio.gather(block, deletion)

    assert await postgres.fetch("SELECT FROM blocks") == []


async def test_no_concurrent_follows_and_blocks_leave_a_follow_across_a_block(crowded, outbox):
    """Follows and blocks of the same pairs, both ways, and deletions: no deadlock, and every edge's events are true."""
    users, follows, blocks = Users(crowded), Follows(crowded), Blocks(crowded)
    people = await register(users, PEOPLE)
    outcomes = await storm(follows, blocks, users, people)

    assert [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, Blocked | NotFound)] == []
    assert sum(isinstance(each, Blocked) for each in outcomes) > 0
    await check_edges(follows, blocks, outbox, people)
    left = await crowded.fetch("SELECT blocker_id, blocked_id FROM blocks")
    assert not {user for pair in left for user in pair} & {*people[:DELETED]}


async def storm(follows, blocks, users, people):
    """Do it all, with deletions among the last acts; return what came of each."""
    chance, room = random.Random(11), asyncio.Semaphore(AT_A_TIME)
    work = [begin(follows, blocks, chance.choice(KINDS), *chance.sample(people, 2)) for _ in range(ACTS)]
    for person in people[:DELETED]:
        work.insert(-AT_A_TIME * 4, users.delete(person, NOW))

    async def one(act):
        async with room:
            return await act

    return await asyncio.gather(*map(one, work), return_exceptions=True)
