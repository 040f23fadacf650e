"""A seed decides which faults strike, whatever the load draws meanwhile."""

from random import Random
from types import SimpleNamespace

import pytest

from tests.chaos import trial
from tests.support.workload.history import History


class Readers(Exception):
    """The trial has got as far as its readers."""


@pytest.fixture
def drawing(monkeypatch):
    """The sources of the load's and the readers' chances, once the trial has begun with them."""
    given = []

    def load_of(_worker, chance):
        given.append(chance)
        return SimpleNamespace(history=History(), people=[], gateway=None)

    def audience(_people, _gateway, _history, chance):
        given.append(chance)
        raise Readers

    monkeypatch.setattr(trial, "load_of", load_of)
    monkeypatch.setattr(trial, "Audience", audience)
    monkeypatch.setattr(trial, "Watch", lambda scene: None)
    return given


def test_neither_the_load_nor_its_readers_draw_what_decides_over_the_faults(drawing):
    drawn = []
    for count in (0, 7):
        scene = SimpleNamespace(random=Random("41 two-at-once"), workers=["a"])
        with pytest.raises(Readers):
            trial.attempt(scene, trial.Trial("two-at-once"), [], print)
        for chance in drawing[-2:]:
            for _ in range(count):
                chance.random()
        drawn.append(scene.random.random())

    assert drawn[0] == drawn[1]
