"""A start is waited for as long as its log goes on, and not for ever."""

import pytest

from microblog_streams.local.server import Deadline


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(tmp_path):
    return tmp_path / "cassandra.log"


@pytest.fixture
def deadline(log, clock):
    return Deadline(log, quiet=60.0, most=900.0, clock=clock)


def test_a_part_that_logs_nothing_is_given_up_after_the_quiet_time(deadline, clock):
    clock.now += 60.0
    assert not deadline.passed()
    clock.now += 0.1
    assert deadline.passed()
    assert deadline.seconds == pytest.approx(60.1)


def test_a_part_whose_log_goes_on_is_waited_for(deadline, clock, log):
    for _ in range(10):
        clock.now += 50.0
        with log.open("a") as file:
            file.write("still replaying\n")
        assert not deadline.passed()


def test_a_log_that_goes_on_without_end_is_not_waited_for_for_ever(deadline, clock, log):
    for _ in range(18):
        clock.now += 50.0
        with log.open("a") as file:
            file.write("the same error again\n")
        assert not deadline.passed()
    clock.now += 1.0
    with log.open("a") as file:
        file.write("the same error again\n")
    assert deadline.passed()
