"""Rates in settings (requests per time), and what is left of them for a caller.

The notation is that of the library limits: ``60/minute;2000/day`` is two rates that hold at the same time.
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
#: The largest number of requests. Far larger numbers would overflow the integers of Redis.
MAX_REQUESTS: Final = 1_000_000_000
#: The longest time of a rate.
MAX_PERIOD_SECONDS: Final = 366 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one rate: ``requests`` now, and more in ``seconds``."""

    rate: Rate
    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is granted, and what is left of each rate after it, the shortest period first."""

    granted: bool
    left: Sequence[Left]

    @property
    def tightest(self) -> Left:
        """The rate with the fewest requests left; of several that are used up, the one with the longest wait."""
        return min(self.left, key=lambda each: (each.requests, -each.seconds))

    def aged(self, seconds: float) -> "Verdict":
        """Return the refusal of a request that comes ``seconds`` after this verdict."""
        return Verdict(False, [Left(each.rate, each.requests, max(0.0, each.seconds - seconds)) for each in self.left])

    @property
    def wait(self) -> int:
        """Seconds to wait before a retry, rounded up, at least 1."""
        return max(1, ceil(self.tightest.seconds))


def parse(text: str) -> tuple[Rate, ...]:
    """Return the rates of a setting, the shortest period first; none for an empty one. Raises ValueError."""
    if not text.strip():
        return ()
    try:
        rates = sorted(parse_many(text), key=Rate.get_expiry)
    except ValueError:
        raise ValueError(f"{text!r} is no rate: {FORM}") from None
    _check(text, rates)
    return tuple(rates)


def _check(text: str, rates: Sequence[Rate]) -> None:
    """Raise ValueError for rates that the notation allows and the counters do not."""
    times = [rate.get_expiry() for rate in rates]
    if any(not 1 <= rate.amount <= MAX_REQUESTS for rate in rates) or times[-1] > MAX_PERIOD_SECONDS or times[0] < 1:
        raise ValueError(f"{text!r}: a rate is 1 to {MAX_REQUESTS:,} requests, in at most a year")
    if len(set(times)) < len(times):
        raise ValueError(f"{text!r} has two rates for the same time: keep the smaller one")


def _checked(text: str) -> str:
    parse(text)
    return text.strip()


#: A field of settings: rates in this notation.
Rates: TypeAlias = Annotated[str, AfterValidator(_checked)]
