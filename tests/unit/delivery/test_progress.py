"""Rebalances are counted with the time in them; commits and recovery are read where Faust keeps them."""

from types import SimpleNamespace

import pytest
from faust.types import TP

from microblog_streams.delivery import progress
from microblog_streams.delivery.faust_patches.consumer import CommitStandstill, PartitionProgress
from microblog_streams.delivery.progress import RebalanceClock, commits, recovery

MOVING, IDLE, UNKNOWN, STRANGE = (TP("events", number) for number in range(4))


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on when the test says so."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(progress, "monotonic", lambda: now.seconds)
    return now


def test_time_in_rebalances_adds_up(clock):
    rebalances = RebalanceClock()
    for seconds in (2.0, 3.0):
        rebalances.begin()
        clock.seconds += seconds
        rebalances.end()
        clock.seconds += 60
    assert (rebalances.count, rebalances.seconds) == (2, 5.0)


def test_a_rebalance_that_goes_on_counts_already(clock):
    rebalances = RebalanceClock()
    rebalances.begin()
    clock.seconds += 4.0
    assert rebalances.seconds == 4.0


def test_a_rebalance_in_a_rebalance_makes_the_pause_longer(clock):
    rebalances = RebalanceClock()
    rebalances.begin()
    clock.seconds += 4.0
    rebalances.begin()
    clock.seconds += 1.0
    rebalances.end()
    assert (rebalances.count, rebalances.seconds) == (2, 5.0)


def test_an_end_without_a_beginning_is_none(clock):
    rebalances = RebalanceClock()
    rebalances.end()
    assert (rebalances.count, rebalances.seconds) == (0, 0.0)


def test_lag_and_age_are_those_of_the_partitions_that_the_worker_has(clock):
    known = {
        MOVING: PartitionProgress(committed=7, reached=7, end=10),
        IDLE: PartitionProgress(committed=10, reached=10, end=10),
        UNKNOWN: PartitionProgress(committed=10, reached=10, end=None),
    }
    thread = SimpleNamespace(
        _consumer=object(),
        progress=known.get,
        commit_ages=lambda now: {MOVING: now - 88.0, STRANGE: 9.0},
        standstill_reports=3,
    )
    consumer = SimpleNamespace(_thread=thread, assignment=lambda: {*known, STRANGE})

    found = commits(SimpleNamespace(consumer=consumer))

    assert found.lag == {("events", "0"): 3, ("events", "1"): 0, ("events", "2"): None}
    assert found.age_seconds == {("events", "0"): 12.0, ("events", "1"): 0.0, ("events", "2"): 0.0}
    assert found.standstill_reports == 3


@pytest.mark.parametrize("thread", [None, SimpleNamespace(_consumer=None)])
def test_a_worker_that_has_not_joined_the_group_has_no_commits(thread):
    assert commits(SimpleNamespace(consumer=SimpleNamespace(_thread=thread))) == ({}, {}, 0)


def test_an_age_is_the_time_since_the_last_commit_with_something_left():
    standstill = CommitStandstill(300.0)
    standstill.check(MOVING, 7, True, now=10.0)
    standstill.check(MOVING, 7, True, now=15.0)
    standstill.check(IDLE, 7, True, now=10.0)
    standstill.check(IDLE, 8, False, now=15.0)
    assert standstill.ages(now=16.0) == {MOVING: 6.0}


@pytest.mark.parametrize(("in_recovery", "remaining"), [(True, 12), (False, 0)])
def test_records_remain_only_while_the_table_is_recovered(in_recovery, remaining):
    service = SimpleNamespace(in_recovery=in_recovery, active_remaining=lambda: {MOVING: 12, IDLE: -1}, errors=2)
    assert recovery(SimpleNamespace(tables=SimpleNamespace(recovery=service))) == (remaining, 2)
