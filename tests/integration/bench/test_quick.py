"""``make bench QUICK=1``: every scene is played to its end, and its rows say what they are. Nothing is judged here."""

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


@pytest.mark.integration
def test_every_scene_is_measured():
    environment = {**os.environ, "QUICK": "1", "SCENES": ""}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    measured = json.loads((RESULTS / "bench-quick.json").read_text())["scenes"]
    rows = [Row.read(row) for scene in measured.values() for row in scene]
    assert measured.keys() == SCENES.keys()
    assert all(row.figure > 0 or "added" in row.what or "idle" in row.what for row in rows)
    assert all(row.what in done.stdout for row in rows)
