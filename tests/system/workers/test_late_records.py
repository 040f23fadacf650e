"""A changelog record that reaches Kafka after those of the partition's next owner is not the last word on its row."""

import signal

import pytest

from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain.ids import encode_user
from tables.followers import decode_row, encode_key

CHANGELOG = "microblog-followers-changelog"
PARTITIONS = set(range(8))


@pytest.fixture
def pair(workers, eventually):
    """Two workers that share the partitions."""
    pair = [workers().start() for _ in range(2)]
    eventually(lambda: share(pair), *pair)
    return pair


def share(workers):
    """Return whether the workers are well and have each partition once."""
    if not all(worker.well() for worker in workers):
        return False
    parts = [set(worker.probe()["partitions"]) for worker in workers]
    return all(parts) and sum(map(len, parts)) == len(PARTITIONS) and set().union(*parts) == PARTITIONS


def author_of(worker, people):
    """Register people until one has a partition of the worker."""
    mine = worker.probe()["partitions"]
    while partition_of(encode_user(author := people.register(worker)), len(PARTITIONS)) not in mine:
        pass
    return author


def unfollowed(answer):
    """Return whether a look-up found the row without followers; it answers 503 while workers come and go."""
    assert answer.status in (200, 503), answer
    return answer.status == 200 and answer.body["following"] is False


def test_a_late_row_with_an_old_version_is_ignored(pair, people, kafka, eventually):
    """A follow's record waits in a worker that is frozen past its session; meanwhile the other takes the unfollow."""
    one, frozen = pair
    author, follower = author_of(frozen, people), people.register(one)
    row = f"/table/followers/{author}:{follower}/"

    def versions():
        """Return the versions of the row in the order of the changelog."""
        records = [record for record in kafka.read(CHANGELOG) if record.key == encode_key(author, follower)]
        return [decode_row(record.value).version for record in records]

    assert frozen.call("GET", "/probe/changelog/hold/").status == 200
    people.follow(one, follower, author)
    eventually(lambda: frozen.call("GET", row).status == 200, *pair)
    assert versions() == []

    frozen.process.send_signal(signal.SIGSTOP)
    try:
        eventually(lambda: set(one.probe()["partitions"]) == PARTITIONS and one.well(), one)
        people.unfollow(one, follower, author)
        eventually(lambda: versions()[-1:] == [2], one)
    finally:
        frozen.process.send_signal(signal.SIGCONT)
    eventually(lambda: share(pair), *pair)
    before = versions()
    assert frozen.call("GET", "/probe/changelog/release/").status == 200

    eventually(lambda: 1 in versions()[len(before) :], *pair)
    eventually(lambda: versions()[-1] == 2, *pair)
    eventually(lambda: all(unfollowed(worker.call("GET", row)) for worker in pair), *pair)
    eventually(lambda: frozen.call("GET", "/health").body["delivery"]["rowsInDoubt"] == 0, frozen)
