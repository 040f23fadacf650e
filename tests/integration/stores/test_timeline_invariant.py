"""The timeline's invariant holds in the real servers' functions, in any order of events."""

from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines
from tests.support.connections import opened
from tests.support.contracts.timeline_machine import TimelineMachine

pytestmark = pytest.mark.integration

SOME = settings(stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# Few on Redis: the functions are the same, and what runs them is all that may differ.
@pytest.mark.parametrize(
    ("redis_settings", "kept", "examples"),
    [("valkey", 3, 150), ("valkey", 10, 150), ("redis", 10, 20), ("cluster", 10, 20)],
    indirect=["redis_settings"],
)
def test_the_list_is_complete_down_to_its_tail_under_all_interleavings(redis_settings, kept, examples):
    @asynccontextmanager
    async def real():
        async with opened(Redis(redis_settings)) as redis:
            yield Timelines(redis, kept)

    run_state_machine_as_test(lambda: TimelineMachine(real, kept), settings=settings(SOME, max_examples=examples))
