"""The timeline's invariant holds in the real servers' functions, in any order of events. Many more: tests/soak."""

import pytest

from tests.support.contracts.timeline_machine import check_real_timelines

pytestmark = pytest.mark.integration


# Few on Redis: the functions are the same, and what runs them is all that may differ.
@pytest.mark.parametrize(
    ("redis_settings", "kept", "examples"),
    [("valkey", 3, 40), ("valkey", 10, 40), ("redis", 10, 5), ("cluster", 10, 5)],
    indirect=["redis_settings"],
)
def test_the_list_is_complete_down_to_its_tail_under_all_interleavings(redis_settings, kept, examples):
    check_real_timelines(redis_settings, kept, examples)
