"""Pauses between retries: doubling up to a limit, with jitter so that workers do not retry in step."""

import random
from collections.abc import Iterator

#: The first and the longest pause, unless the caller has its own.
FIRST_SECONDS, LONGEST_SECONDS = 0.05, 5.0


def pauses(first_seconds: float | None = None, longest_seconds: float | None = None) -> Iterator[float]:
    """Yield pauses in seconds, without end: each is 50 to 100 % of its nominal length, which doubles every time."""
    pause = FIRST_SECONDS if first_seconds is None else first_seconds
    longest = LONGEST_SECONDS if longest_seconds is None else longest_seconds
    while True:
        yield jittered(pause)
        pause = min(2 * pause, longest)


def jittered(seconds: float) -> float:
    """Return a random duration of 50 to 100 % of ``seconds``."""
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
