"""How long a start is waited for: as long as the log goes on, since a slow machine is not a broken server."""

import time
from collections.abc import Callable
from pathlib import Path


class Deadline:
    """Passes ``quiet`` seconds after a log has grown for the last time, and ``most`` seconds after the beginning."""

    def __init__(self, log: Path, quiet: float, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin now."""
        self._log, self._quiet, self._most, self._clock = log, quiet, most, clock
        self._begin = self._grown_at = clock()
        self._size = self._look()

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._begin

    def passed(self) -> bool:
        """Tell whether nothing more is to be waited for."""
        now, size = self._clock(), self._look()
        if size != self._size:
            self._grown_at, self._size = now, size
        return now - self._grown_at > self._quiet or now - self._begin > self._most

    def _look(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0
