"""``make bench QUICK=1`` and ``make peers QUICK=1`` are played to their end. Nothing is judged here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.bench.__main__ import SCENES
from benchmarks.bench.rows import Row
from benchmarks.report import RESULTS

ROOT = Path(__file__).parents[3]


def run(module):
    """Run a benchmark in its short form; return what it printed."""
    environment = {**os.environ, "QUICK": "1", "SCENES": ""}
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.integration
def test_every_scene_is_measured():
    """Its rows say what they are."""
    printed = run("benchmarks.bench")

    measured = json.loads((RESULTS / "bench-quick.json").read_text())["scenes"]
    rows = [Row.read(row) for scene in measured.values() for row in scene]
    assert measured.keys() == SCENES.keys()
    assert all(row.figure > 0 or "added" in row.what or "idle" in row.what for row in rows)
    assert all(row.what in printed for row in rows)


@pytest.mark.integration
def test_the_peer_comparison_runs_against_a_worker():
    printed = run("benchmarks.peers")

    (played,) = json.loads((RESULTS / "peers-quick.json").read_text())["sides"]["ours"]
    assert all(step["count"] > 0 and sum(step["cpu"].values()) > 0 for step in played.values())
    assert "| the original, as told |" in printed
