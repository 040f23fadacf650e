"""Whatever effects do: acknowledgements are a prefix, in order, each once, and each after its effect's end."""

import asyncio
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from microblog_streams.domain.errors import NotMine, StoreUnavailable
from tests.support.examples import examples
from tests.support.fakes.delivery import World
from tests.support.waiting import until

ERRORS = st.sampled_from([StoreUnavailable("redis", "away"), NotMine("not open"), ValueError("broken")])
#: For each event: turns of the loop that its effect takes, and the failures of its first tries.
PLANS = st.lists(st.tuples(st.integers(0, 12), st.lists(ERRORS, max_size=6)), min_size=1, max_size=24)


class Watched(World):
    """A world that looks at each acknowledgement."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.early: list[int] = []
        self.plan: list = []
        acknowledge, run = self.stream.ack, type(self.effects).__call__

        async def ack(event):
            if event.message.offset not in self.effects.ended:
                self.early.append(event.message.offset)
            return await acknowledge(event)

        self.stream.ack = ack
        effects = self.effects

        async def slow(event, lease):
            for _ in range(self.plan[event.number][0]):
                await asyncio.sleep(0)
            await run(effects, event, lease)

        self.slow = slow

    def start(self) -> None:
        self.effects, slow = self.slow, self.effects
        super().start()
        self.effects = slow


@settings(max_examples=examples(40), deadline=None)
@given(plan=PLANS, window=st.integers(1, 5), unacked=st.integers(1, 8), splits=st.sets(st.integers(1, 23), max_size=3))
async def test_acknowledgements_are_a_prefix_in_order(plan, window, unacked, splits):
    world = Watched(window=window, unacked=unacked)
    world.plan, world.heartbeat.answered_at = plan, math.inf
    for offset, (_, failures) in enumerate(plan):
        world.effects.failures[offset] = list(failures)
    world.start()
    try:
        reachable = next((n for n, (_, fails) in enumerate(plan) if _broken(fails)), len(plan))
        begin = 0
        for end in sorted({split for split in splits if split < reachable} | {len(plan)}):
            world.put(*range(begin, end))
            if end < len(plan):  # the group moves on in the middle of it
                await asyncio.sleep(0.001)
                world.rebalance()
                begin = world.committed[world.tp]
        if reachable == len(plan):
            await until(lambda: len(world.acked) == len(plan))
        else:
            await until(lambda: world.processor_pool.halted() and len(world.acked) == reachable)
        assert world.acked == list(range(reachable))
        assert world.early == []
        assert world.effects.most <= window
    finally:
        await world.stop()


def _broken(failures) -> bool:
    return sum(isinstance(failure, ValueError) for failure in failures) >= 5
