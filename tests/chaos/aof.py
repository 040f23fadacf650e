"""A power failure of Redis: what it had not synced is gone.

Killing the process leaves everything in the page cache of the machine that goes on. So the length of the append-only
file is noted all the time, and after the kill the file is cut back to what it was a while before.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Seconds between two notes.
TICK = 0.05


class Aof:
    """The append-only file, by its length at any moment since it is watched."""

    def __init__(self, folder: Path) -> None:
        """Find it: the part that grows; the base was synced before it was made."""
        (self.path,) = folder.glob("appendonlydir/*.incr.aof")
        self._notes: list[tuple[float, int]] = []
        self._over = threading.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note the length within the block."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def cut(self, moment: float) -> int:
        """Cut the file back to what it was at a moment (monotonic time); return how many bytes are lost."""
        (kept,) = [length for at, length in self._notes if at <= moment][-1:]
        lost = self.path.stat().st_size - kept
        os.truncate(self.path, kept)
        return lost

    def _watch(self) -> None:
        while not self._over.wait(TICK):
            self._notes.append((time.monotonic(), self.path.stat().st_size))
