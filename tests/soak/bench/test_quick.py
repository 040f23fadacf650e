"""``make bench QUICK=1`` and ``make peers QUICK=1`` are played to their end, every scene. Nothing is judged here."""

import json

from benchmarks.bench.__main__ import SCENES
from benchmarks.bench.rows import Row
from benchmarks.report import RESULTS
from tests.support.benchmark import play


def test_every_scene_is_measured():
    """Its rows say what they are."""
    printed = play("benchmarks.bench")

    measured = json.loads((RESULTS / "bench-quick.json").read_text())["scenes"]
    rows = [Row.read(row) for scene in measured.values() for row in scene]
    assert measured.keys() == SCENES.keys()
    assert all(row.figure > 0 or "added" in row.what or "idle" in row.what for row in rows)
    assert all(row.what in printed for row in rows)


def test_the_peer_comparison_runs_against_a_worker():
    printed = play("benchmarks.peers")

    (played,) = json.loads((RESULTS / "peers-quick.json").read_text())["sides"]["ours"]
    assert all(step["count"] > 0 and sum(step["cpu"].values()) > 0 for step in played.values())
    assert "| the original, as told |" in printed
