"""The short form of ``make chaos``: faults under one load, and every timeline is as the answers say."""

from tests.chaos.all_faults import strike_together
from tests.chaos.table import wrong

#: A restarted Kafka and undecodable events are in tests/soak beside these.
FAULTS = ("worker-killed-in-fan-out", "redis-killed-and-cut")


def test_acknowledged_writes_survive_a_killed_worker_and_redis(scene, capsys):
    trial = strike_together(scene, "short", FAULTS)
    with capsys.disabled():
        print(f"\n{trial.summary}")
    assert wrong(trial) == []
    assert trial.good
