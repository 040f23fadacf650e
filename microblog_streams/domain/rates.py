"""Rates: how many requests are let through in how much time, as settings write them, and what is left of them.

The notation, and what counts, are the library limits': ``60/minute;2000/day`` is two rates that hold at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Final, TypeAlias

from limits import RateLimitItem, parse_many
from pydantic import AfterValidator

#: One of a setting's rates: ``amount`` requests in ``get_expiry()`` seconds.
Rate: TypeAlias = RateLimitItem

FORM: Final = "expected rates like 60/minute;2000/day (per second, minute, hour, day or month), or nothing for no limit"
#: More than anybody means by a limit; larger numbers are no integers to Redis.
MOST: Final = 1_000_000_000
#: Seconds of the longest time that is counted.
LONGEST: Final = 366 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one rate: so many requests now, and more of them in ``seconds``."""

    rate: Rate
    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on, and what it leaves, a rate each, the shortest time first."""

    granted: bool
    left: Sequence[Left]

    @property
    def tightest(self) -> Left:
        """What is the first to stop the caller: of several that are used up, the one that takes longest."""
        return min(self.left, key=lambda each: (each.requests, -each.seconds))

    def aged(self, seconds: float) -> "Verdict":
        """Return what a request is told that comes so much later and is refused because of this one."""
        return Verdict(False, [Left(each.rate, each.requests, max(0.0, each.seconds - seconds)) for each in self.left])

    @property
    def wait(self) -> int:
        """Whole seconds, at least 1, after which a refused request may come again."""
        return max(1, ceil(self.tightest.seconds))


def parse(text: str) -> tuple[Rate, ...]:
    """Return the rates of a setting, the shortest time first; none for an empty one. Raises ValueError."""
    if not text.strip():
        return ()
    try:
        rates = sorted(parse_many(text), key=Rate.get_expiry)
    except ValueError:
        raise ValueError(f"{text!r} is no rate: {FORM}") from None
    _check(text, rates)
    return tuple(rates)


def _check(text: str, rates: Sequence[Rate]) -> None:
    """Refuse what can be written and not counted."""
    times = [rate.get_expiry() for rate in rates]
    if any(not 1 <= rate.amount <= MOST for rate in rates) or times[-1] > LONGEST or times[0] < 1:
        raise ValueError(f"{text!r}: a rate is 1 to {MOST:,} requests, in at most a year")
    if len(set(times)) < len(times):
        raise ValueError(f"{text!r} has two rates for the same time: keep the smaller one")


def _checked(text: str) -> str:
    parse(text)
    return text.strip()


#: A field of settings: rates in this notation.
Rates: TypeAlias = Annotated[str, AfterValidator(_checked)]
