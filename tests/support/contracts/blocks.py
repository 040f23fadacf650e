"""What every BlockStore does, real or in memory. All stores are of one empty database."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microblog_streams.domain.errors import Blocked, KeyReused, NotFound
from microblog_streams.domain.models import IdempotencyKey
from microblog_streams.domain.topics import USER_FOLLOW, USER_UNFOLLOW
from tests.support.contracts.events import EdgeEvent, edge_event, edge_events, register, waiting
from tests.support.examples import examples

NOW = datetime(2026, 5, 17, 12, 30, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
ONCE, OTHER = IdempotencyKey("key", b"\x00digest\xff"), IdempotencyKey("key", b"another")

#: What may go on at once: an act, who, whom among three people.
ACTS = st.tuples(st.sampled_from(["follow", "unfollow", "block", "unblock"]), st.integers(0, 2), st.integers(0, 2))
PAIRS = ACTS.filter(lambda act: act[1] != act[2])


class BlocksContract:
    async def test_who_blocks_whom_is_asked_of_one_block(self, users, blocks):
        ada, bob = await register(users, 2)
        await blocks.block(ada, bob, NOW)

        assert (await blocks.blocks(ada, bob), await blocks.blocks(bob, ada)) == (True, False)
        await blocks.unblock(ada, bob)
        assert not await blocks.blocks(ada, bob)

    async def test_a_block_ends_both_edges_with_their_events(self, users, follows, blocks, outbox):
        ada, bob, eve = await register(users, 3)
        for edge in ((ada, bob), (bob, ada), (ada, eve), (eve, bob)):
            await follows.set(*edge, True, NOW)

        await blocks.block(ada, bob, LATER)

        told = (await waiting(outbox))[4:]
        assert [edge_event(record) for record in told] == [
            EdgeEvent(USER_UNFOLLOW, ada, bob, 2),
            EdgeEvent(USER_UNFOLLOW, bob, ada, 2),
        ]
        assert {record.headers["schema"] for record in told} == {"1"}
        assert await follows.followees(ada) == [eve]
        assert [user.id for user in await follows.followers_page(bob, 0, 9)] == [eve]
        assert {edge.changed_at for edge in await follows.edges_page((0, 0), 9) if not edge.following} == {LATER}

    async def test_a_block_between_strangers_is_no_event_and_no_edge(self, users, follows, blocks, outbox):
        ada, bob = await register(users, 2)

        await blocks.block(ada, bob, NOW)

        assert await waiting(outbox) == []
        assert await follows.edges_page((0, 0), 9) == []

    @pytest.mark.parametrize("blocker", [0, 1])
    async def test_neither_of_the_two_follows_the_other(self, users, follows, blocks, outbox, blocker):
        pair = await register(users, 2)
        await blocks.block(pair[blocker], pair[1 - blocker], NOW)

        for follower, followee in (pair, pair[::-1]):
            with pytest.raises(Blocked, match=f"^You cannot follow user {followee}.$"):
                await follows.set(follower, followee, True, NOW)

        assert await follows.edges_page((0, 0), 9) == []
        assert await waiting(outbox) == []

    async def test_a_block_affects_only_its_two_users(self, users, follows, blocks):
        ada, bob, eve = await register(users, 3)
        await blocks.block(ada, bob, NOW)

        for edge in ((ada, eve), (eve, ada), (bob, eve), (eve, bob)):
            assert (await follows.set(*edge, True, NOW)).following

    async def test_unfollowing_is_always_possible(self, users, follows, blocks):
        ada, bob = await register(users, 2)
        await follows.set(ada, bob, True, NOW)
        await blocks.block(bob, ada, NOW)

        assert not (await follows.set(ada, bob, False, NOW)).following

    async def test_blocking_again_changes_and_publishes_nothing(self, users, follows, blocks, outbox):
        ada, bob = await register(users, 2)
        await follows.set(ada, bob, True, NOW)
        await blocks.block(ada, bob, NOW)
        before = await waiting(outbox)

        await asyncio.gather(*(blocks.block(ada, bob, LATER) for _ in range(4)))

        assert await waiting(outbox) == before
        assert [user.id for user in await blocks.blocked_page(ada, 0, 9)] == [bob]

    async def test_unblocking_only_allows_follows_again(self, users, follows, blocks, outbox):
        ada, bob = await register(users, 2)
        await follows.set(ada, bob, True, NOW)
        await blocks.block(ada, bob, NOW)
        before = await waiting(outbox)

        await blocks.unblock(ada, bob)
        await blocks.unblock(ada, bob)

        assert await waiting(outbox) == before
        assert await follows.followees(ada) == []
        assert await blocks.blocked_page(ada, 0, 9) == []
        assert (await follows.set(ada, bob, True, NOW)).version == 3

    async def test_the_block_of_the_other_user_stays(self, users, follows, blocks):
        ada, bob = await register(users, 2)
        await blocks.block(ada, bob, NOW)
        await blocks.block(bob, ada, NOW)

        await blocks.unblock(ada, bob)

        with pytest.raises(Blocked):
            await follows.set(ada, bob, True, NOW)

    async def test_the_list_has_the_users_own_tokens_by_id(self, users, blocks):
        ada, *others = await register(users, 5)
        for other in reversed(others):
            await blocks.block(ada, other, NOW)
        await blocks.block(others[0], ada, NOW)

        assert [user.id for user in await blocks.blocked_page(ada, 0, 3)] == others[:3]
        assert [user.id for user in await blocks.blocked_page(ada, others[2], 3)] == others[3:]
        assert [user.id for user in await blocks.blocked_page(others[0], 0, 3)] == [ada]

    async def test_unknown_users_cannot_block_or_be_blocked(self, users, blocks):
        ada, bob = await register(users, 2)
        await users.delete(bob, NOW)

        for blocker, blocked, missing in ((ada, 4711, 4711), (4711, ada, 4711), (ada, bob, bob), (bob, ada, bob)):
            with pytest.raises(NotFound, match=f"user {missing}"):
                await blocks.block(blocker, blocked, NOW)

        assert await blocks.blocked_page(ada, 0, 9) == []

    async def test_blocks_go_with_their_users(self, users, blocks):
        ada, bob, eve = await register(users, 3)
        for pair in ((ada, bob), (ada, eve), (bob, ada), (eve, ada)):
            await blocks.block(*pair, NOW)

        await users.delete(bob, NOW)

        assert [user.id for user in await blocks.blocked_page(ada, 0, 9)] == [eve]
        assert await blocks.blocked_page(bob, 0, 9) == []
        assert [user.id for user in await blocks.blocked_page(eve, 0, 9)] == [ada]

    async def test_a_raised_era_outweighs_the_versions_before_it(self, users, follows, blocks, outbox, raise_era):
        ada, bob = await register(users, 2)
        await follows.set(ada, bob, True, NOW)
        await raise_era()

        await blocks.block(bob, ada, NOW)

        assert (await edge_events(outbox, ada, bob))[-1] == EdgeEvent(USER_UNFOLLOW, ada, bob, (1 << 40) + 1)

    async def test_republished_events_bring_no_ended_edge_back(self, users, follows, blocks, outbox):
        ada, bob = await register(users, 2)
        for edge in ((ada, bob), (bob, ada)):
            await follows.set(*edge, True, NOW)
        await blocks.block(ada, bob, LATER)
        before = len(await waiting(outbox))

        await follows.republish([(ada, bob), (bob, ada)])
        await follows.republish_page((0, 0), 9)

        again = [edge_event(record) for record in (await waiting(outbox))[before:]]
        assert {(event.topic, event.version) for event in again} == {(USER_UNFOLLOW, 2)}
        assert len(again) == 4

    async def test_a_repeated_key_changes_nothing_after_later_changes(self, users, blocks):
        ada, bob = await register(users, 2)
        await blocks.block(ada, bob, NOW, ONCE)
        await blocks.unblock(ada, bob)

        await blocks.block(ada, bob, NOW, ONCE)

        assert await blocks.blocked_page(ada, 0, 9) == []

    async def test_a_key_with_another_request_is_refused(self, users, blocks):
        ada, bob = await register(users, 2)
        await blocks.block(ada, bob, NOW, ONCE)

        with pytest.raises(KeyReused):
            await blocks.block(ada, bob, NOW, OTHER)

    async def test_a_repeated_follow_with_a_key_answers_alike_and_a_refused_one_frees_its_key(
        self, users, follows, blocks
    ):
        ada, bob = await register(users, 2)
        await follows.set(ada, bob, True, NOW, ONCE)
        await blocks.block(bob, ada, NOW)

        assert not (await follows.set(ada, bob, True, NOW, ONCE)).following
        with pytest.raises(Blocked):
            await follows.set(bob, ada, True, NOW, ONCE)
        await blocks.unblock(bob, ada)
        assert (await follows.set(bob, ada, True, NOW, OTHER)).following


def interleavings(test):
    """Run a test with many sets of acts that go on at once; each binding has its own, as hypothesis wants it."""
    run = given(acts=st.lists(PAIRS, max_size=12), deleted=st.none() | st.integers(0, 2))(test)
    checks = [HealthCheck.function_scoped_fixture]
    return settings(max_examples=examples(20), deadline=None, suppress_health_check=checks)(run)


async def check_interleaving(users, follows, blocks, outbox, acts, deleted):
    """Whatever goes on at once: no follow crosses a block, and every edge's last event tells its state."""
    people = await register(users, 3)
    work = [begin(follows, blocks, act, people[a], people[b]) for act, a, b in acts]
    if deleted is not None:
        work.insert(len(work) // 2, users.delete(people[deleted], NOW))

    outcomes = await asyncio.gather(*work, return_exceptions=True)

    assert not [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, NotFound | Blocked)]
    await check_edges(follows, blocks, outbox, people)


def begin(follows, blocks, act, who, whom):
    """Return what is to be awaited for an act to happen."""
    calls = {
        "follow": lambda: follows.set(who, whom, True, NOW),
        "unfollow": lambda: follows.set(who, whom, False, NOW),
        "block": lambda: blocks.block(who, whom, NOW),
        "unblock": lambda: blocks.unblock(who, whom),
    }
    return calls[act]()


async def check_edges(follows, blocks, outbox, people):
    """No follow crosses a block, and the edges' events carry all versions in order, the last one their state."""
    stored = [edge for edge in await follows.edges_page((0, 0), 100_000) if edge.follower in people]
    blocked = {frozenset((who, user.id)) for who in people for user in await blocks.blocked_page(who, 0, 100)}
    assert [edge for edge in stored if edge.following and {edge.follower, edge.followee} in blocked] == []
    told = {}
    for event in await edge_events(outbox, *people):
        told.setdefault((event.follower, event.followee), []).append(event)
    assert told.keys() == {(edge.follower, edge.followee) for edge in stored}
    for edge in stored:
        events = told[edge.follower, edge.followee]
        assert [event.version for event in events] == list(range(1, edge.version + 1))
        assert events[-1].topic == (USER_FOLLOW if edge.following else USER_UNFOLLOW)
