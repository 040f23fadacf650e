"""The timeline's invariant holds in the model that the other tests use."""

from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.contracts.timeline_machine import TimelineMachine
from tests.support.examples import examples
from tests.support.fakes.timelines import FakeTimelines

MANY = settings(
    max_examples=examples(150), stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.parametrize("kept", [3, 10])
def test_the_list_is_complete_down_to_its_tail_under_all_interleavings(kept):
    @asynccontextmanager
    async def fake():
        yield FakeTimelines(kept)

    run_state_machine_as_test(lambda: TimelineMachine(fake, kept), settings=MANY)
