"""What was found a moment ago: a bounded number of answers, each for some seconds from when it was asked for.

An answer that was on its way while others were dropped may be one of those: it is not kept.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Asked(NamedTuple):
    """When a question was asked (``monotonic``), and how often answers had been dropped until then."""

    at: float
    drops: int


class TtlCache(Generic[K, V]):
    """Keeps ``room`` answers, those that were used last, for ``seconds`` at most."""

    def __init__(self, room: int, seconds: float) -> None:
        """Begin empty."""
        self._room = room
        self._seconds = seconds
        self._drops = 0
        self._kept: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the answer where it is there and young enough."""
        value, asked = self._kept.get(key, (None, 0.0))
        if value is None:
            return None
        if monotonic() - asked >= self._seconds:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return value

    def ask(self) -> Asked:
        """Note that a question is asked now, whose answer is to be kept."""
        return Asked(monotonic(), self._drops)

    def put(self, key: K, value: V, asked: Asked) -> None:
        """Keep an answer as one of when it was asked for; nothing where answers were dropped since."""
        if asked.drops != self._drops:
            return
        self._kept[key] = value, asked.at
        self._kept.move_to_end(key)
        if len(self._kept) > self._room:
            self._kept.popitem(last=False)

    def drop(self, fits: Callable[[V], bool]) -> None:
        """Drop the answers that fit, and all that are on their way."""
        self._drops += 1
        for key in [key for key, (value, _) in self._kept.items() if fits(value)]:
            del self._kept[key]
