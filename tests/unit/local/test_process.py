"""What the reaper is told of processes, and the record of them, where the disk is full."""

import io
import os
import sys
from pathlib import Path

import pytest

from microblog_streams.local.process import Children

FULL = Path("/dev/full")


@pytest.fixture
def children(tmp_path):
    """Children, whose reaper gets its pipe back at the end."""
    made = Children(tmp_path)
    pipe = made._reaper.stdin
    yield made
    made._reaper.stdin = pipe
    made.close()


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
class TestOnAFullDisk:
    @pytest.fixture(autouse=True)
    def full_disk(self, children, tmp_path):
        """The record takes no more once a process has been started."""
        log = tmp_path / "logs" / "w.log"
        self.ended = children.start([sys.executable, "-c", ""], log, dict(os.environ))
        children._reaper.stdin = io.StringIO()
        kept, children._record = children._record, FULL.open("w", buffering=1)
        yield
        kept.close()

    def test_a_process_that_ends_is_dropped_and_takes_nothing_along(self, children):
        assert self.ended.wait() == 0
        assert children._reaper.stdin.getvalue() == f"drop {self.ended.pid}\n"

    def test_the_reaper_knows_of_a_process_that_cannot_be_written_down(self, children):
        with pytest.raises(OSError, match="No space left"):
            children._tell("add 12 9 b/1")
        assert children._reaper.stdin.getvalue() == "add 12 9 b/1\n"
