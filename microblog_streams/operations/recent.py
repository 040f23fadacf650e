"""What was found a moment ago: a bounded number of answers, each for some seconds from when it was asked for."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keeps ``room`` answers, those that were used last, for ``seconds`` at most."""

    def __init__(self, room: int, seconds: float) -> None:
        """Begin empty."""
        self._room = room
        self._seconds = seconds
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

    def put(self, key: K, value: V, asked: float) -> None:
        """Keep an answer; ``asked`` is when the question was, since the answer may be no younger."""
        self._kept[key] = value, asked
        self._kept.move_to_end(key)
        if len(self._kept) > self._room:
            self._kept.popitem(last=False)

    def drop(self, fits: Callable[[V], bool]) -> None:
        """Drop the answers that fit."""
        for key in [key for key, (value, _) in self._kept.items() if fits(value)]:
            del self._kept[key]
