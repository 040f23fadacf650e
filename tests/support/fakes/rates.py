"""The counters of all workers, in memory: a worker's own, which can be away."""

from collections.abc import Sequence

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.rates import Rate, Verdict
from microblog_streams.stores.redis.rates import LocalRates


class FakeRates:
    """The ``RateStore`` that is shared."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0
        self._counters = LocalRates()

    async def take(self, key: str, rates: Sequence[Rate]) -> Verdict:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("redis", "away")
        return await self._counters.take(key, rates)
