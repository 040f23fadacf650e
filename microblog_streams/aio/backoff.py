"""Pauses between tries: doubling, with jitter so that workers do not come back in step."""

import random
from collections.abc import Iterator

#: Seconds of the first and of the longest pause.
FIRST, LONGEST = 0.05, 5.0


def pauses() -> Iterator[float]:
    """Return the pauses, without end: each between half of and its full nominal length."""
    pause = FIRST
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 -- jitter, not a secret
        pause = min(2 * pause, LONGEST)
