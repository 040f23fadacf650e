"""Both faults of the search engine under one load, ten times shorter than in ``make chaos``."""

import random

from tests.chaos import lasting
from tests.chaos.arena import scene_on
from tests.chaos.fault import Fault
from tests.chaos.faults.search import KILLED, READ_ONLY, strike
from tests.chaos.table import wrong
from tests.chaos.trial import Trial, attempt


def test_nothing_is_missing_in_the_index_after_the_engine_was_killed_and_read_only(migrated, capsys, monkeypatch):
    monkeypatch.setattr(lasting, "SCALE", 0.1)
    trial = Trial("search-short")
    both = Fault("search-engine-killed-and-read-only", lambda scene: strike(scene, KILLED, READ_ONLY))

    with scene_on(migrated) as scene:
        scene.random = random.Random(11)
        attempt(scene, trial, [both], lambda words: None)

    with capsys.disabled():
        print(f"\n{trial.summary}\n{trial.figures}")
    assert wrong(trial) == []
    assert trial.good
