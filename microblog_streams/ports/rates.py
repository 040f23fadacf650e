"""Counting requests against rates: what the shared counters in Redis and those of one worker promise alike."""

from collections.abc import Sequence
from typing import Protocol

from microblog_streams.domain.rates import Rate, Verdict


class RateStore(Protocol):
    """Counters of requests, one for each key and rate, in sliding windows of time."""

    async def take(self, key: str, rates: Sequence[Rate]) -> Verdict:
        """Count one request of ``key`` against one or several rates, or refuse it and count it against none.

        Only where several requests of a key come in the same moment may one be refused after it was counted.
        """
        ...
