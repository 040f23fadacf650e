"""100,000 people follow the same one: all take effect, other posts are not delayed, and memory grows little."""

from tests.support.storm.storm import follow_storm

FOLLOWERS = 100_000
#: MiB: the rows are in RocksDB, and what is on its way is bounded.
GROWN = 150


def test_a_storm_of_100000_follows(workers, kafka, eventually, capsys):
    worker = workers().start()
    eventually(worker.well, worker)
    storm = follow_storm(worker, kafka, FOLLOWERS)
    with capsys.disabled():
        print(f"\n{storm}")
    assert storm.reached == FOLLOWERS
    assert storm.posts > 0
    assert storm.grown < GROWN
