"""More workers than partitions: those that have none serve REST, and take over when another leaves."""

import pytest

from tests.support.live.processes import migrate_stack
from tests.support.live.stack import running_stack


@pytest.fixture(scope="module")
def stack():
    """A stack with topics of one partition."""
    with running_stack() as running:
        migrate_stack(running, PARTITIONS="1")
        yield running


def test_a_worker_without_partitions_serves_requests_and_takes_over(two, people, eventually):
    eventually(lambda: sorted(worker.probe()["owned"] for worker in two) == [[], [0]], *two)
    idle, busy = sorted(two, key=lambda worker: worker.probe()["owned"])
    author, follower = people.register(idle), people.register(idle)
    people.follow(idle, follower, author)
    first = people.post(idle, author)
    eventually(lambda: people.timeline(idle, follower) == [first], *two)
    row = f"/table/followers/{author}:{follower}/"
    eventually(lambda: idle.call("GET", row).status == 200, *two)

    busy.kill()
    second = people.post(idle, author)
    eventually(lambda: people.timeline(idle, follower) == [second, first], idle)
    assert idle.probe()["owned"] == [0]
