"""``make bench QUICK=1 SCENES=…`` measures what is picked, beside ceilings; tests/soak has every scene."""

import json

import pytest

from benchmarks.bench.rows import Row
from benchmarks.report import RESULTS
from tests.support.benchmark import play

#: Quick ones, of reads and of writes; the first has a ceiling.
PICKED = ("pages", "follows")


@pytest.mark.integration
def test_picked_scenes_are_measured_beside_their_ceilings():
    printed = play("benchmarks.bench", SCENES=",".join(PICKED))

    measured = json.loads((RESULTS / "bench-quick.json").read_text())["scenes"]
    rows = [Row.read(row) for name in PICKED for row in measured[name]]
    assert len(rows) >= len(PICKED)
    assert any(row.ceiling for row in rows)
    assert all(row.figure > 0 and row.what in printed for row in rows)
