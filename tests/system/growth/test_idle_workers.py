"""More workers than partitions: those that have none serve REST, and take over when another leaves."""

import pytest

from tests.support.live.separate import separate_deployment


@pytest.fixture(scope="module")
def separate(migrated):
    """A deployment with topics of one partition."""
    with separate_deployment(migrated, partitions=1) as separate:
        yield separate


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
