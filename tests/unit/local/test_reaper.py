"""What the launcher told the reaper is what the reaper ends."""

from microblog_streams.local.reaper import read_groups


def test_groups_that_were_not_dropped_remain_with_their_signal():
    assert read_groups(["add 10 9 b/1\n", "add 11 3 b/2\n", "drop 10\n"]) == {11: 3}


def test_a_line_cut_short_by_a_kill_is_passed_over():
    assert read_groups(["add 10 9 b/1\n", "drop 12\n", "add 1"]) == {10: 9}
