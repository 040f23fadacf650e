"""Four faults under one load, as short as the two of `make test`."""

from tests.chaos.all_faults import strike_together
from tests.chaos.table import wrong

FAULTS = ("worker-killed-in-fan-out", "redis-killed-and-cut", "kafka-restarted", "poison")


def test_acknowledged_writes_survive_a_killed_worker_redis_kafka_and_undecodable_events(scene, capsys):
    trial = strike_together(scene, "short", FAULTS)
    with capsys.disabled():
        print(f"\n{trial.summary}")
    assert wrong(trial) == []
    assert trial.good
