"""promtool finds each alert raised by what it is for alone.

promtool is of Debian's package ``prometheus``, as docs/operating.md says; without it these tests are skipped.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

RULES = sorted((Path(__file__).parents[3] / "deploy" / "monitoring" / "rules").glob("*.yml"))
TESTS = sorted(Path(__file__).parent.glob("rules/*.yml"))
PROMTOOL = shutil.which("promtool")

pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt-get install prometheus")


def test_promtool_can_read_the_rules():
    done = subprocess.run([PROMTOOL, "check", "rules", *RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_promtool_finds_alerts_raised_by_what_they_are_for_alone(file):
    done = subprocess.run([PROMTOOL, "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
