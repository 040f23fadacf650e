"""The command with which docs/operating.md follows a post through the logs."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

OPERATING = Path(__file__).parents[3] / "docs" / "operating.md"
LOG = """+ƒaµS† v0.15.3+-----+
| id | microblog |
{"event": "post_stored", "timestamp": "2026-05-17T12:29:59.110Z", "request_id": "8e03978e"}
{"event": "post_stored", "timestamp": "2026-05-17T12:29:59.111Z", "request_id": "another"}
[2026-05-17 12:29:59,112] INFO a line of Kafka
42
{"time": "2026-05-17T12:29:59+00:00", "request_id": "8e03978e", "method": "POST", "status": 201}
{"event": "cut sho"""


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed here")
def test_it_finds_the_lines_of_a_request_among_lines_that_are_no_json(tmp_path):
    (tmp_path / "w6066.log").write_text(LOG)
    (command,) = re.findall(r"^    \$ (jq .*) <data>", OPERATING.read_text(), re.MULTILINE)
    done = subprocess.run([*shlex.split(command), tmp_path / "w6066.log"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == '["2026-05-17T12:29:59.110Z","post_stored",null]\n'
