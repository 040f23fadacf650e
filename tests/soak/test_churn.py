"""Two minutes of workers that come and go under load, as they are set up in production, and nothing is lost."""

import signal

import pytest

from tests.support.churn.scenario import Churn, Parts

#: Two minutes at 150 posts and 50 follows or unfollows a second.
POSTS, FOLLOWS = 18_000, 6_000
#: As delivered, in place of those that make tests quick.
SETTINGS = {"SESSION_TIMEOUT": "10", "HEARTBEAT_INTERVAL": "3", "COMMIT_INTERVAL": "0.5", "ACK_HOLD": "2.5"}


@pytest.fixture
def parts(workers, people, kafka, eventually):
    return Parts(workers, people, kafka, eventually)


def test_events_outlive_workers_that_come_and_go_for_minutes(parts, capsys):
    """Each signal ends a worker four times, now of one, now of the other, and at times of both at once."""
    leaves = [
        [signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL],
        [signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM],
    ]
    outcome = Churn(POSTS, FOLLOWS, leaves, stay=1_600, settings=SETTINGS).run(parts)
    with capsys.disabled():
        print(f"\n{outcome}")
    outcome.prove()
    assert len(outcome.joins) == 8
