"""The timeline's invariant holds in the real servers' functions, in very many orders of events."""

import pytest

from tests.support.contracts.timeline_machine import check_real_timelines


@pytest.mark.parametrize(
    ("redis_settings", "kept", "examples"),
    [("valkey", 3, 150), ("valkey", 10, 150), ("redis", 10, 20), ("cluster", 10, 20)],
    indirect=["redis_settings"],
)
def test_the_list_is_complete_down_to_its_tail_under_all_interleavings(redis_settings, kept, examples):
    check_real_timelines(redis_settings, kept, examples)
