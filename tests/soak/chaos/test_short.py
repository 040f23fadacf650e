"""Four faults under one load, as short as the two of `make test`."""

from tests.chaos.all_faults import all_faults
from tests.chaos.table import wrong
from tests.chaos.trial import Trial, attempt

FAULTS = ("worker-killed-in-fan-out", "redis-killed-and-cut", "kafka-restarted", "poison")


def test_acknowledged_writes_survive_a_killed_worker_redis_kafka_and_undecodable_events(scene, capsys):
    trial, faults = Trial("short"), all_faults()
    attempt(scene, trial, [faults[name] for name in FAULTS], lambda words: None)
    with capsys.disabled():
        print(f"\n{trial.summary}")
    assert wrong(trial) == []
    assert trial.good
