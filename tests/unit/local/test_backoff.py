"""A worker that keeps dying is started ever more slowly, and quickly again after a calm run."""

from microblog_streams.local.workers import Backoff


def test_waits_double_up_to_the_most():
    backoff = Backoff(first=1, most=10, calm=60)
    assert [backoff.after(lived=2) for _ in range(6)] == [1, 2, 4, 8, 10, 10]


def test_a_calm_run_makes_the_next_wait_short_again():
    backoff = Backoff(first=1, most=10, calm=60)
    waits = [backoff.after(lived) for lived in (2, 2, 2, 60, 2)]
    assert waits == [1, 2, 4, 1, 2]
