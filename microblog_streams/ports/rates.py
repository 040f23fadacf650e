"""Rate limit counters: shared in Redis, or local to a worker."""

from collections.abc import Sequence
from typing import Protocol

from microblog_streams.domain.rates import Rate, Verdict


class RateStore(Protocol):
    """Counters of requests in sliding windows, one for each key and rate."""

    async def take(self, key: str, rates: Sequence[Rate]) -> Verdict:
        """Count one request of ``key`` against all ``rates``, or refuse it and count it against none.

        A request that races with others of the same key may be refused and counted.
        """
        ...
