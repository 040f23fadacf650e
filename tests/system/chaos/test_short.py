"""The short form of ``make chaos``: faults under one load, and every timeline is as the answers say."""

from tests.chaos.all_faults import all_faults
from tests.chaos.table import wrong
from tests.chaos.trial import Trial, attempt

#: A restarted Kafka and undecodable events are in tests/soak beside these.
FAULTS = ("worker-killed-in-fan-out", "redis-killed-and-cut")


def test_acknowledged_writes_survive_a_killed_worker_and_redis(scene, capsys):
    trial, faults = Trial("short"), all_faults()
    attempt(scene, trial, [faults[name] for name in FAULTS], lambda words: None)
    with capsys.disabled():
        print(f"\n{trial.summary}")
    assert wrong(trial) == []
    assert trial.good
