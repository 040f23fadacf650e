"""Figures as people read them: thousands apart, bytes and ages in units, numbers in a row as from to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

#: What stands for something that is not known now.
UNKNOWN: Final = "-"

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def count(number: int | None) -> str:
    """Return ``12,345``."""
    return UNKNOWN if number is None else f"{number:,}"


def rough(number: int) -> str:
    """Return ``1,200,000`` for an estimate: its first two digits are all that is known of it."""
    return f"{float(f'{number:.2g}'):,.0f}"


def size(number: int | None) -> str:
    """Return ``1.5 MiB`` for so many bytes."""
    if number is None:
        return UNKNOWN
    step = min(max(number, 1).bit_length() - 1, 10 * len(_UNITS) - 1) // 10
    return f"{number / 1024**step:.{1 if step else 0}f} {_UNITS[step]}"


def span(seconds: float | None) -> str:
    """Return ``2 d 3 h``, ``3 h 4 min``, ``4 min`` or ``5 s``."""
    if seconds is None:
        return UNKNOWN
    whole = timedelta(seconds=max(0, int(seconds)))
    hours, minutes = whole.seconds // 3600, whole.seconds // 60 % 60
    if whole.days:
        return f"{whole.days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{whole.seconds} s"


def moment(at: datetime | None) -> str:
    """Return ``2026-05-17 12:00:00 UTC``."""
    return UNKNOWN if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def numbers(values: Sequence[int]) -> str:
    """Return ``0-3, 6`` for 0, 1, 2, 3 and 6, which are in order."""
    runs = groupby(enumerate(values), key=lambda pair: pair[1] - pair[0])
    ends = [(run[0][1], run[-1][1]) for run in (list(pairs) for _, pairs in runs)]
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ends) or UNKNOWN
