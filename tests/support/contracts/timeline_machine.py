"""The timeline's invariant, in any order of events: hypothesis moves a ``World`` and looks after every step."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from microblog_streams.config.settings import Settings
from microblog_streams.domain.ids import entry_post_id
from microblog_streams.ports import TimelineState, TimelineStore
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import SLACK_DIVISOR, Timelines
from tests.support.connections import opened
from tests.support.contracts.timeline_world import AUTHORS, OWNER, World

INDEX = st.integers(0, 5)
AUTHOR = st.sampled_from(AUTHORS)
#: Post ids are drawn and not counted, so posts come in any order of their ids.
NUMBERS = range(1, 201)
NUMBER = st.sampled_from(NUMBERS)
#: How many entries less than are kept a rebuild reads.
DEPTH = st.sampled_from((0, 0, 1, 2))
#: What others do beside a rebuild: mostly posts.
BESIDE = st.lists(
    st.tuples(st.sampled_from(("post", "post", "edge", "evict")), st.sampled_from((OWNER, *AUTHORS)), NUMBER),
    max_size=6,
)


class TimelineMachine(RuleBasedStateMachine):
    """``open_store`` gives a store that keeps ``kept`` entries; each run has a user of its own there.

    Few rules, each going on with what is there, so that a run of some dozen steps gets far.
    """

    def __init__(self, open_store: Callable[[], AbstractAsyncContextManager[TimelineStore]], kept: int) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.context = open_store()
        self.store = self.run(self.context.__aenter__())
        self.world = World(self.store, secrets.randbits(62), kept)  # `random` is hypothesis' here: the same each time
        self.most = kept + kept // SLACK_DIVISOR
        self.free = set(NUMBERS)

    def run(self, step):
        return self.runner.run(step)

    def teardown(self):
        try:
            self.finished()
        finally:
            self.run(self.store.remove(self.world.user))
            self.run(self.context.__aexit__(None, None, None))
            self.runner.close()

    @initialize(new=st.booleans(), history=st.lists(st.sampled_from((OWNER, *AUTHORS)), max_size=30))
    def begin(self, new, history):
        """Start as a new user among authors who have written, or as one who was away for long and reads."""
        for author in history:
            if not (new and author == OWNER):
                self.world.history(author, {self.free.pop()})
        for edge in self.world.edges.values():
            edge.follows = edge.row = not new
        self.run(self.store.create(self.world.user) if new else self.world.rebuild())

    @rule(
        posts=st.lists(st.tuples(st.sampled_from((*AUTHORS, OWNER)), NUMBER), min_size=1, max_size=4), now=st.booleans()
    )
    def write(self, posts, now):
        for author, number in posts:
            if number in self.free:
                self.free.remove(number)
                self.run(self.world.write(author, number, now))

    @precondition(lambda self: self.world.waiting or self.world.pushing)
    @rule(steps=st.lists(st.tuples(INDEX, st.booleans()), min_size=1, max_size=6))
    def go_on_with_fan_outs(self, steps):
        for index, push in steps:
            if self.world.pushing and (push or not self.world.waiting):
                self.run(self.world.end_fan_out(index))
            elif self.world.waiting:
                self.world.begin_fan_out(index)

    @precondition(lambda self: self.world.delivered)
    @rule(index=st.integers(0, 100))
    def deliver_again(self, index):
        self.world.deliver_again(index)

    @rule(author=AUTHOR)
    def follow_or_unfollow(self, author):
        self.world.change(author)

    @precondition(lambda self: not all(edge.applied for edge in self.world.edges.values()))
    @rule(author=AUTHOR, rows_first=st.booleans())
    def go_on_with_an_edge(self, author, rows_first):
        """Rows are written in the stream's order, also while the effect of an earlier one is under way."""
        edge = self.world.edges[author]
        if edge.events and (rows_first or not (edge.running or edge.effects)):
            self.world.apply(author)
        elif edge.running:
            self.run(self.world.end_effect(author))
        elif edge.effects:
            self.world.begin_effect(author)

    @rule(before=BESIDE, depth=DEPTH, after=BESIDE, finish=st.booleans())
    def rebuild(self, before, depth, after, finish):
        """Rebuild with steps of others before and after the reading; the next steps may come before the end, too."""
        self.run(self.world.begin_rebuild())
        for step in before:
            self.beside(*step)
        if self.world.builders:
            self.run(self.world.read(-1, depth))
        for step in after:
            self.beside(*step)
        if self.world.builders and finish:
            self.run(self.world.finish(-1))

    @precondition(lambda self: self.world.builders)
    @rule(index=INDEX, depth=DEPTH)
    def go_on_with_a_rebuild(self, index, depth):
        if self.world.builders[index % len(self.world.builders)].entries is None:
            self.run(self.world.read(index, depth))
        else:
            self.run(self.world.finish(index))

    def beside(self, what, author, number):
        """Do something from its start to its end."""
        world = self.world
        if what == "post":
            self.write([(author, number)], True)
            self.go_on_with_fan_outs([(-1, False), (-1, True)])
        elif what == "edge" and author != OWNER and world.edges[author].applied:
            self.follow_or_unfollow(author)
            for _ in range(3):
                self.go_on_with_an_edge(author, False)
        elif what == "evict":
            self.run(self.store.remove(world.user))
            self.run(world.begin_rebuild())

    @rule(chance=st.integers(0, 3), then_read=st.booleans())
    def evict(self, chance, then_read):
        if chance == 0:
            self.run(self.store.remove(self.world.user))
        if then_read:
            self.run(self.world.rebuild())

    @rule(chance=st.integers(0, 3))
    def let_all_finish(self, chance):
        if chance == 0:
            self.finished()

    def finished(self):
        """Once nothing is under way the list is the truth down to its tail, by pages as well."""
        self.run(self.world.let_all_finish())
        seen, expected = self.run(self.world.look()), self.world.expected()
        if seen.state is TimelineState.COMPLETE:
            assert list(seen.entries) == expected
        elif seen.state is TimelineState.PARTIAL:
            assert list(seen.entries) == expected[: len(seen.entries)] != []
        assert self.run(self.pages(3)) == list(seen.entries)

    async def pages(self, limit):
        found, before = [], None
        while page := (await self.store.older(self.world.user, before, limit)).entries:
            found += page
            before = entry_post_id(page[-1])
            if len(found) > limit:
                above = (await self.store.newer(self.world.user, entry_post_id(page[0]), limit)).entries
                assert list(above) == found[-len(page) - limit : -len(page)]
        return found

    @invariant()
    def the_list_is_sorted_and_without_doubles(self):
        entries = list(self.run(self.world.look()).entries)
        assert entries == sorted(set(entries), reverse=True)
        assert len(entries) <= self.most

    @invariant()
    def it_holds_everything_down_to_its_tail(self):
        seen = self.run(self.world.look())
        assert self.world.missing(seen) == set()
        assert self.world.strays(seen) == set()


def check_real_timelines(redis_settings: Settings, kept: int, examples: int) -> None:
    """Try so many orders of 50 events on the real server that these settings lead to."""

    @asynccontextmanager
    async def real() -> AsyncIterator[Timelines]:
        async with opened(Redis(redis_settings)) as redis:
            yield Timelines(redis, kept)

    tried = settings(
        max_examples=examples, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(lambda: TimelineMachine(real, kept), settings=tried)
