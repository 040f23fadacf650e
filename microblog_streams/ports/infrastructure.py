"""What a process needs besides its data: connections to stores, rate limit counters, a display of progress."""

from collections.abc import Sequence
from typing import Protocol

from microblog_streams.domain.rates import Rate, Verdict


class Connection(Protocol):
    """A connection, or a pool of them, to one store."""

    name: str

    async def connect(self) -> None:
        """Connect. Raises StoreUnavailable if a later attempt may succeed, SetupError if none can (wrong password)."""
        ...

    async def ping(self) -> None:
        """Make a round trip to the server, within the store's time-out."""
        ...

    async def close(self) -> None:
        """Release everything; later calls raise StoreUnavailable."""
        ...


class RateStore(Protocol):
    """Counters of requests in sliding windows, one for each key and rate."""

    async def take(self, key: str, rates: Sequence[Rate]) -> Verdict:
        """Count one request of ``key`` against all ``rates``, or refuse it and count it against none.

        A request that races with others of the same key may be refused and counted.
        """
        ...


class Progress(Protocol):
    """Shows the steps of a command, one after the other."""

    def step(self, text: str, total: int | None = None) -> None:
        """Begin a step, which ends the one before. ``total`` is the number of items to process, if it is known."""
        ...

    def update(self, done: int, total: int | None = None) -> None:
        """Show how many items of the step are done. A ``total`` replaces the one before."""
        ...
