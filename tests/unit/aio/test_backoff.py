"""Pauses between retries double up to a limit, and differ from worker to worker."""

from itertools import islice

import pytest

from microblog_streams.aio import failures
from microblog_streams.aio.failures import jittered, pauses


@pytest.fixture
def no_jitter(monkeypatch):
    monkeypatch.setattr(failures.random, "uniform", lambda low, high: high)


def test_pauses_double_up_to_the_longest(no_jitter):
    assert list(islice(pauses(0.25, 2.0), 6)) == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]


def test_a_pause_that_is_not_given_is_the_default(no_jitter):
    assert next(pauses()) == failures.FIRST_SECONDS
    assert list(islice(pauses(), 20))[-1] == failures.LONGEST_SECONDS


def test_jitter_takes_off_up_to_half():
    drawn = [jittered(8.0) for _ in range(200)]
    assert all(4.0 <= seconds <= 8.0 for seconds in drawn)
    assert len(set(drawn)) > 100
