"""Workers come and go under load, and nothing is lost: the short form of the soak test."""

import signal

import pytest

from tests.support.churn.scenario import Churn, Parts

POSTS, FOLLOWS = 600, 200


@pytest.fixture
def parts(workers, people, kafka, eventually):
    return Parts(workers, people, kafka, eventually)


def test_events_outlive_workers_that_come_and_go(parts, capsys):
    """Posts, follows and unfollows at 200 a second; two workers join and leave, by SIGTERM and by kill -9."""
    leaves = [[signal.SIGTERM], [signal.SIGKILL]]
    outcome = Churn(POSTS, FOLLOWS, leaves, stay=160, settings={}).run(parts)
    with capsys.disabled():
        print(f"\n{outcome}")
    outcome.prove()
