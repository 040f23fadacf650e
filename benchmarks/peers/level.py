"""Whether a server is warm: a JVM compiles for minutes, and its first rounds say little of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

#: How much faster than its best round before a side may have become in any step, and be level all the same.
RISE: Final = 1.1
#: Rounds to be compared, at least.
_ROUNDS: Final = 3

#: A round: its steps' figures, see ``crew.Crew.do``.
Figures = Mapping[str, Mapping[str, Any]]


def rate(step: Mapping[str, Any]) -> float:
    """Return calls a second."""
    return float(step["count"] / (step["ended"] - step["begun"]))


def are_level(rounds: Sequence[Figures]) -> bool:
    """Return whether no rate of the last two rounds exceeds the best of the rounds before. Two rounds are too few.

    A rate that falls again is the machine's noise: it holds nothing up.
    """
    if len(rounds) < _ROUNDS:
        return False
    *before, one, last = rounds
    return all(
        max(rate(one[step]), rate(last[step])) <= RISE * max(rate(each[step]) for each in before) for step in last
    )
