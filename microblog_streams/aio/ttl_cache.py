"""Bounded memory of the newest entries, and a cache of lookups on top: each is kept for some seconds from its start.

A lookup that is in flight during an invalidation may have read the old value, so its result is not stored.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedDict(OrderedDict[K, V]):
    """A dict of the ``max_entries`` entries that were set last."""

    def __init__(self, max_entries: int) -> None:
        """Start empty."""
        super().__init__()
        self._max_entries = max_entries

    def __setitem__(self, key: K, value: V) -> None:
        """Set an entry as the newest, and drop the oldest where there are too many."""
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._max_entries:
            self.popitem(last=False)


class Lookup(NamedTuple):
    """When a lookup began (``monotonic``), and how many invalidations there had been by then."""

    began_at: float
    invalidations: int


class TtlCache(Generic[K, V]):
    """Keeps the ``max_entries`` values used last, each for ``ttl_seconds``."""

    def __init__(self, max_entries: int, ttl_seconds: float) -> None:
        """Start empty."""
        self._ttl_seconds = ttl_seconds
        self._invalidations = 0
        self._entries: BoundedDict[K, tuple[V, float]] = BoundedDict(max_entries)

    def get(self, key: K) -> V | None:
        """Return the value; None where there is none, or it has expired."""
        value, began_at = self._entries.get(key, (None, 0.0))
        if value is None:
            return None
        if monotonic() - began_at >= self._ttl_seconds:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return value

    def begin_lookup(self) -> Lookup:
        """Return what ``put`` needs to know; call it before the value is looked up."""
        return Lookup(monotonic(), self._invalidations)

    def put(self, key: K, value: V, lookup: Lookup) -> None:
        """Store a lookup's value, unless the cache was invalidated since the lookup began."""
        if lookup.invalidations != self._invalidations:
            return
        self._entries[key] = value, lookup.began_at

    def invalidate(self, matches: Callable[[V], bool]) -> None:
        """Remove the values for which ``matches`` is true, and discard all lookups in flight."""
        self._invalidations += 1
        for key in [key for key, (value, _) in self._entries.items() if matches(value)]:
            del self._entries[key]
