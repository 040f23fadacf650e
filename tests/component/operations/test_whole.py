"""Whatever people do and whatever fails on the way: in the end every timeline is what it has to be."""

import asyncio
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from microblog_streams.aio import ttl_cache
from microblog_streams.operations.timelines import rebuild
from microblog_streams.operations.timelines.merge_read import READ_AHEAD_SECONDS
from tests.support.examples import examples
from tests.support.fakes.gate import Fault
from tests.support.fakes.whole import PARTITIONS, Whole
from tests.support.waiting import DEADLINE_SECONDS

MANY = settings(
    max_examples=examples(100), stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)

WHO = st.integers(0, 3)
INDEX = st.integers(0, 20)
FAULT = st.sampled_from([Fault.NONE] * 8 + [Fault.BEFORE, Fault.AFTER])


class WholeMachine(RuleBasedStateMachine):
    """Four people, whose timelines keep so few entries that most pages go past them."""

    def __init__(self, kept: int) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.whole = Whole(kept)
        self.time = 0.0
        self.patches = [
            patch.object(rebuild, "monotonic", lambda: self.time),
            patch.object(rebuild, "READER_WAIT_SECONDS", DEADLINE_SECONDS),  # it goes by the real clock
            patch.object(ttl_cache, "monotonic", lambda: self.time),
            patch.object(rebuild, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": self.sleep})),
        ]
        for each in self.patches:
            each.start()

    async def sleep(self, seconds):
        self.time += seconds
        await self.whole.gate.turn()

    @initialize(edges=st.lists(st.tuples(WHO, WHO), max_size=8), posts=st.lists(WHO, max_size=8))
    def begin(self, edges, posts):
        """Start among people who know each other."""
        self.run(self.register())
        for who, whom in edges:
            self.follow(who, whom)
        self.post(posts)
        self.run(self.whole.let_all_finish())

    async def register(self):
        self.whole.gate.open = True
        for number in range(4):
            await self.whole.register(f"user{number}")

    def run(self, step):
        """Do something, and let everything go on until it waits at the gate."""

        async def run():
            result = await step if asyncio.iscoroutine(step) else step()
            for _ in range(30):
                await asyncio.sleep(0)
            return result

        return self.runner.run(run())

    def teardown(self):
        try:
            self.settled()
        finally:
            for each in self.patches:
                each.stop()
            self.runner.close()

    def person(self, index):
        return self.whole.people[index % len(self.whole.people)]

    def act(self, work):
        self.run(lambda: self.whole.act(work))

    # People

    @rule(who=WHO, whom=WHO)
    def follow(self, who, whom):
        if who != whom:
            self.act(self.whole.front.follows.follow(self.person(who), self.person(whom)))

    @rule(who=WHO, whom=WHO)
    def unfollow(self, who, whom):
        self.act(self.whole.front.follows.unfollow(self.person(who), self.person(whom)))

    @rule(who=WHO, whom=WHO)
    def block(self, who, whom):
        if who != whom:
            self.act(self.whole.front.blocks.block(self.person(who), self.person(whom)))

    @rule(who=WHO, whom=WHO)
    def unblock(self, who, whom):
        self.act(self.whole.front.blocks.unblock(self.person(who), self.person(whom)))

    @rule(who=st.lists(WHO, min_size=1, max_size=3))
    def post(self, who):
        for each in who:
            self.act(self.whole.front.posts.create(self.person(each), "text"))

    @precondition(lambda self: self.whole.world.posts.posts)
    @rule(index=INDEX)
    def delete_post(self, index):
        posts = sorted(self.whole.world.posts.posts)
        self.act(self.whole.front.posts.delete(posts[index % len(posts)]))

    @rule(who=WHO, chance=st.integers(0, 9))
    def delete_user(self, who, chance):
        if chance == 0:
            self.act(self.whole.front.users.delete(self.person(who)))

    @rule(who=WHO, limit=st.integers(1, 5))
    def read(self, who, limit):
        self.act(self.whole.read(self.person(who), limit))

    # The system

    @rule(calls=st.lists(st.tuples(INDEX, FAULT), min_size=1, max_size=25))
    def let_calls_go(self, calls):
        for index, fault in calls:
            self.run(lambda index=index, fault=fault: self.whole.gate.let_go(index, fault))

    @rule(takes=st.lists(INDEX, min_size=1, max_size=6))
    def take_events(self, takes):
        self.run(self.whole.relay())
        for index in takes:
            self.run(lambda index=index: self.whole.take(index))

    @rule(part=st.integers(0, PARTITIONS - 1), again=st.integers(0, 5))
    def rebalance(self, part, again):
        self.run(self.whole.rebalance(part, again))

    @rule()
    def let_time_pass(self):
        """A rebuild that is under way is thought dead, though its builder may only be slow."""
        self.time += 2 * rebuild.MARK_TIMEOUT_SECONDS

    @rule(who=WHO)
    def evict(self, who):
        self.whole.world.timelines.lists.pop(self.person(who), None)

    @rule(who=WHO)
    def forget_bodies(self, who):
        kept = self.whole.world.post_cache.kept
        for post_id in [post_id for post_id, post in kept.items() if not post.deleted]:
            del kept[post_id]

    @rule(chance=st.integers(0, 4))
    def let_all_finish(self, chance):
        if chance == 0:
            self.settled()

    def settled(self):
        self.run(self.whole.let_all_finish())
        self.time += READ_AHEAD_SECONDS + 1  # what a merge read kept for the next pages may lack posts that came since
        assert not self.whole.followed_although_blocked()
        for user in self.whole.world.database.users:
            expected = self.whole.expected(user)
            self.whole.gate.open = True
            for limit in (2, 100):
                self.run(self.whole.read(user, limit))
                assert self.whole.seen[-1] == expected
            self.whole.gate.open = False


@pytest.mark.parametrize("kept", [3, 10])
def test_in_the_end_every_timeline_shows_what_was_written_by_those_who_are_followed(kept):
    run_state_machine_as_test(lambda: WholeMachine(kept), settings=MANY)
