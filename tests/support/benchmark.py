"""Runs a benchmark's command in its short form."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Seconds that the longest may take, on a busy machine too.
TIMEOUT_SECONDS = 900


def play(module: str, **environment: str) -> str:
    """Run it with QUICK=1 and these variables; return what it printed. Fails unless it ends well."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**os.environ, "QUICK": "1", "SCENES": "", **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
