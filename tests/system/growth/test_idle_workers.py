"""More workers than partitions: those that have none serve REST, and take over when another leaves."""

import pytest

from tests.support.live.separate import separate_deployment


@pytest.fixture(scope="module")
def separate(migrated):
    """A deployment with topics of one partition."""
    with separate_deployment(migrated, partitions=1) as separate:
        yield separate


def test_a_worker_without_partitions_serves_requests_and_takes_over(two, people, eventually):
    seen = []

    def told_apart():
        seen[:] = [worker.probe()["owned"] for worker in two]
        return sorted(seen) == [[], [0]]

    eventually(told_apart, *two)
    idle, busy = two if seen[0] == [] else two[::-1]
    author, follower = people.register(idle), people.register(idle)
    people.follow(idle, follower, author)
    first = people.post(idle, author)
    eventually(lambda: people.timeline(idle, follower) == [first], *two)
    row = f"/table/followers/{author}:{follower}/"
    eventually(lambda: idle.call("GET", row).status == 200, *two)

    busy.kill()
    second = people.post(idle, author)
    eventually(lambda: people.timeline(idle, follower) == [second, first], idle)
    eventually(lambda: idle.probe()["owned"] == [0], idle)
