"""How long a worker that died waits until it is started again."""

from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Seconds before the next start: doubling from ``first`` to ``most``, from the beginning after a calm run."""

    first: float = 1.0
    most: float = 10.0
    #: A worker that ran this long (seconds) has not died of what killed it before.
    calm: float = 60.0
    _next: float = 0.0

    def after(self, lived: float) -> float:
        """Return the wait after a run of ``lived`` seconds."""
        if lived >= self.calm or not self._next:
            self._next = self.first
        wait, self._next = self._next, min(self._next * 2, self.most)
        return wait
