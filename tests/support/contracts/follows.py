"""What every FollowStore does, real or in memory. ``users``, ``follows`` and ``outbox`` are of one empty database."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microblog_streams.domain.errors import NotFound, TooManyFollowees
from microblog_streams.domain.events import EdgeChanged
from microblog_streams.domain.models import Edge
from microblog_streams.domain.topics import USER_DELETED, USER_FOLLOW, USER_UNFOLLOW
from tests.support.contracts.events import EdgeEvent, edge_event, edge_events, register, waiting
from tests.support.examples import examples

NOW = datetime(2026, 5, 17, 12, 30, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)

#: What may go on at once: (follow or unfollow, who, whom) among three people.
CHANGES = st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 2)).filter(lambda change: change[1] != change[2])


class FollowsContract:
    async def test_a_follow_is_a_row_and_an_event(self, users, follows, outbox):
        ada, bob = await register(users, 2)

        edge = await follows.set(ada, bob, True, NOW)

        assert (edge.follower, edge.followee, edge.following, edge.version, edge.changed_at) == (ada, bob, True, 1, NOW)
        (record,) = await waiting(outbox)
        assert edge_event(record) == EdgeEvent(USER_FOLLOW, ada, bob, 1)
        assert record.headers == {"schema": "1"}
        assert await follows.followees(ada) == [bob]
        assert [user.id for user in await follows.followers_page(bob, 0, 10)] == [ada]

    async def test_who_follows_whom_is_asked_of_one_edge(self, users, follows):
        ada, bob = await register(users, 2)

        assert not await follows.follows(ada, bob)
        await follows.set(ada, bob, True, NOW)
        assert (await follows.follows(ada, bob), await follows.follows(bob, ada)) == (True, False)
        await follows.set(ada, bob, False, LATER)
        assert not await follows.follows(ada, bob)

    @pytest.mark.parametrize("following", [True, False])
    async def test_a_change_without_effect_returns_the_present_state(self, users, follows, outbox, following):
        ada, bob = await register(users, 2)
        await follows.set(ada, bob, True, NOW)
        stored = await follows.set(ada, bob, following, NOW)
        before = await waiting(outbox)

        again = await follows.set(ada, bob, following, LATER)

        assert again == stored
        assert await waiting(outbox) == before

    async def test_versions_count_on_over_follow_and_unfollow(self, users, follows, outbox):
        ada, bob = await register(users, 2)

        for following in (True, False, True):
            await follows.set(ada, bob, following, NOW)

        assert await edge_events(outbox, ada, bob) == [
            EdgeEvent(USER_FOLLOW, ada, bob, 1),
            EdgeEvent(USER_UNFOLLOW, ada, bob, 2),
            EdgeEvent(USER_FOLLOW, ada, bob, 3),
        ]

    async def test_unfollowing_without_a_follow_leaves_no_row(self, users, follows, outbox):
        ada, bob = await register(users, 2)

        edge = await follows.set(ada, bob, False, NOW)

        assert (edge.following, edge.version) == (False, 0)
        assert await follows.edges_page((0, 0), 10) == []
        assert await waiting(outbox) == []

    async def test_unknown_users_cannot_follow_or_be_followed(self, users, follows, outbox):
        ada, bob = await register(users, 2)
        await users.delete(bob, NOW)

        for follower, followee, missing in ((ada, 4711, 4711), (4711, ada, 4711), (ada, bob, bob), (bob, ada, bob)):
            with pytest.raises(NotFound, match=f"user {missing}"):
                await follows.set(follower, followee, True, NOW)

        assert await edge_events(outbox, ada, bob, 4711) == []

    async def test_two_first_follows_at_once_are_one_change(self, users, follows, outbox):
        for _ in range(10):
            ada, bob = await register(users, 2)

            edges = await asyncio.gather(*(follows.set(ada, bob, True, NOW) for _ in range(4)))

            assert {edge.version for edge in edges} == {1}
            assert await edge_events(outbox, ada, bob) == [EdgeEvent(USER_FOLLOW, ada, bob, 1)]

    async def test_a_follow_over_the_limit_is_refused(self, users, follows, outbox):
        ada, bob, eve, kim = await register(users, 4)
        await follows.set(ada, bob, True, NOW, max_followees=2)
        await follows.set(ada, eve, True, NOW, max_followees=2)
        before = await waiting(outbox)

        with pytest.raises(TooManyFollowees, match="at most 2 users"):
            await follows.set(ada, kim, True, NOW, max_followees=2)

        assert await follows.followees(ada) == [bob, eve]
        assert await waiting(outbox) == before
        assert (await follows.set(kim, ada, True, NOW, max_followees=2)).following

    async def test_a_user_at_the_follow_limit_goes_on_as_before(self, users, follows):
        ada, bob, eve, kim, lou = await register(users, 5)
        for followee in (bob, eve, kim):
            await follows.set(ada, followee, True, NOW)

        again = await follows.set(ada, bob, True, LATER, max_followees=2)
        await follows.set(ada, bob, False, LATER, max_followees=2)
        await users.delete(eve, LATER)
        after_a_deletion = await follows.set(ada, lou, True, LATER, max_followees=2)

        assert (again.following, again.changed_at) == (True, NOW)
        assert after_a_deletion.following
        assert await follows.followees(ada) == [kim, lou]

    async def test_concurrent_follows_stay_within_the_limit(self, users, follows):
        for _ in range(5):
            ada, *others = await register(users, 7)

            outcomes = await asyncio.gather(
                *(follows.set(ada, other, True, NOW, max_followees=3) for other in others), return_exceptions=True
            )

            assert sum(isinstance(outcome, TooManyFollowees) for outcome in outcomes) == 3
            assert len(await follows.followees(ada)) == 3

    async def test_a_raised_era_outweighs_all_versions_before_it(self, users, follows, raise_era):
        ada, bob, eve = await register(users, 3)
        await follows.set(ada, bob, True, NOW)
        await follows.set(eve, bob, True, NOW)
        await raise_era()

        first = await follows.set(ada, eve, True, NOW)
        next_one = await follows.set(ada, bob, False, NOW)
        await users.delete(eve, NOW)

        assert first.version == (1 << 40) + 1
        assert next_one.version == (1 << 40) + 1
        versions = {
            edge.follower: edge.version for edge in await follows.edges_page((0, 0), 10) if edge.followee == bob
        }
        assert versions == {ada: (1 << 40) + 1, eve: (1 << 40) + 1}

    async def test_the_last_events_of_edges_are_published_again_and_of_those_only(self, users, follows, outbox):
        ada, bob, eve = await register(users, 3)
        await follows.set(ada, bob, True, NOW)
        await follows.set(eve, bob, True, NOW)
        await follows.set(bob, ada, True, NOW)
        await follows.set(bob, ada, False, LATER)
        before = await waiting(outbox)

        count = await follows.republish([(bob, ada), (ada, bob), (ada, eve), (4711, ada)])

        again = (await waiting(outbox))[len(before) :]
        assert count == 2
        assert sorted(map(edge_event, again), key=lambda event: event.follower) == [
            EdgeEvent(USER_FOLLOW, ada, bob, 1),
            EdgeEvent(USER_UNFOLLOW, bob, ada, 2),
        ]
        originals = {record.value: record for record in before}
        for record in again:
            assert (record.topic, record.headers) == (
                originals[record.value].topic,
                originals[record.value].headers,
            )
        assert await follows.republish([]) == 0

    async def test_pages_of_edges_are_republished_without_effects(self, users, follows, outbox):
        ada, bob, eve = await register(users, 3)
        for follower, followee in ((ada, bob), (eve, bob), (bob, eve)):
            await follows.set(follower, followee, True, NOW)
        await follows.set(ada, bob, False, LATER)
        before = await waiting(outbox)

        first = await follows.republish_page((0, 0), 2)
        rest = await follows.republish_page((bob, eve), 2)
        assert await follows.republish_page((eve, bob), 2) == []

        again = (await waiting(outbox))[len(before) :]
        assert [*first, *rest] == await follows.edges_page((0, 0), 9)
        assert [edge_event(record) for record in again] == [
            EdgeEvent(USER_UNFOLLOW, ada, bob, 2),
            EdgeEvent(USER_FOLLOW, eve, bob, 1),
            EdgeEvent(USER_FOLLOW, bob, eve, 1),
        ]
        assert [EdgeChanged.model_validate_json(record.value).restate for record in [*before, *again]] == [
            *([False] * len(before)),
            *([True] * len(again)),
        ]

    async def test_edges_with_newer_versions_elsewhere_are_republished_with_a_higher_version(
        self, users, follows, outbox
    ):
        ada, bob, eve, kim = await register(users, 4)
        stored = [await follows.set(ada, other, True, NOW) for other in (bob, eve, kim)]
        ahead = replace(stored[0], version=5, following=False)
        otherwise = replace(stored[1], following=False)
        unknown = Edge(eve, kim, True, 7, NOW)
        before = len(await waiting(outbox))

        assert await follows.correct([ahead, otherwise, stored[2], unknown, replace(unknown, followee=bob)]) == 4
        assert await follows.correct([]) == 0

        told = [edge_event(record) for record in (await waiting(outbox))[before:]]
        assert sorted(told, key=lambda event: (event.follower, event.followee)) == [
            EdgeEvent(USER_FOLLOW, ada, bob, 6),
            EdgeEvent(USER_FOLLOW, ada, eve, 2),
            EdgeEvent(USER_UNFOLLOW, eve, bob, 8),
            EdgeEvent(USER_UNFOLLOW, eve, kim, 8),
        ]
        assert await follows.followees(ada) == [bob, eve, kim]
        assert await follows.followees(eve) == []

    async def test_pages_of_followers_and_followees_go_by_id(self, users, follows):
        ada, *others = await register(users, 6)
        for other in reversed(others):
            await follows.set(ada, other, True, NOW)
            await follows.set(other, ada, True, NOW)
        await follows.set(ada, others[1], False, NOW)
        await follows.set(others[1], ada, False, NOW)
        left = [others[0], *others[2:]]

        for page in (follows.followees_page, follows.followers_page):
            assert [user.id for user in await page(ada, 0, 2)] == left[:2]
            assert [user.id for user in await page(ada, left[1], 9)] == left[2:]
        assert await follows.followees(ada) == left

    async def test_the_scan_of_all_edges_goes_by_followee_and_includes_unfollowed_ones(self, users, follows):
        ada, bob, eve = await register(users, 3)
        for follower, followee in ((eve, bob), (ada, eve), (bob, ada), (ada, bob)):
            await follows.set(follower, followee, True, NOW)
        await follows.set(ada, bob, False, NOW)

        walked, position = [], (0, 0)
        while page := await follows.edges_page(position, 2):
            walked += page
            position = (page[-1].followee, page[-1].follower)

        assert [(edge.followee, edge.follower, edge.following) for edge in walked] == [
            (ada, bob, True),
            (bob, ada, False),
            (bob, eve, True),
            (eve, ada, True),
        ]

    @pytest.mark.parametrize("deleted", ["follower", "followee"])
    async def test_a_follow_concurrent_with_a_deletion_commits_before_it_or_fails(
        self, users, follows, outbox, deleted
    ):
        for _ in range(15):
            ada, bob = await register(users, 2)
            gone = ada if deleted == "follower" else bob

            outcome, _ = await asyncio.gather(
                follows.set(ada, bob, True, NOW), users.delete(gone, NOW), return_exceptions=True
            )

            events = [record for record in await waiting(outbox) if record.topic == USER_DELETED]
            deletion = next(record for record in events if record.key == gone.to_bytes(8, "big"))
            follow = [record for record in await waiting(outbox) if record.topic == USER_FOLLOW]
            mine = [record for record in follow if edge_event(record).follower == ada]
            assert isinstance(outcome, NotFound) == (not mine)
            assert all(record.id < deletion.id for record in mine)
            assert await follows.followees(ada) == []


def interleavings(test):
    """Run a test with many sets of changes that go on at once; each binding has its own, as hypothesis wants it."""
    run = given(changes=st.lists(CHANGES, max_size=12), deleted=st.none() | st.integers(0, 2))(test)
    checks = [HealthCheck.function_scoped_fixture]
    return settings(max_examples=examples(20), deadline=None, suppress_health_check=checks)(run)


async def check_interleaving(users, follows, outbox, changes, deleted):
    """Whatever goes on at once: an edge's events carry all its versions in order, and the last tells its state."""
    people = await register(users, 3)
    work = [follows.set(people[a], people[b], following, NOW) for following, a, b in changes]
    if deleted is not None:
        work.insert(len(work) // 2, users.delete(people[deleted], NOW))

    outcomes = await asyncio.gather(*work, return_exceptions=True)

    assert all(isinstance(each, NotFound) for each in outcomes if isinstance(each, Exception))
    stored = [edge for edge in await follows.edges_page((0, 0), 100_000) if edge.follower in people]
    told = await edge_events(outbox, *people)
    for edge in stored:
        events = [event for event in told if (event.follower, event.followee) == (edge.follower, edge.followee)]
        assert [event.version for event in events] == list(range(1, edge.version + 1))
        assert events[-1].topic == (USER_FOLLOW if edge.following else USER_UNFOLLOW)
    assert {(event.follower, event.followee) for event in told} == {(e.follower, e.followee) for e in stored}
