"""Budgets: how much of a kind of request each caller may make, shared by all workers as long as Redis answers.

While it does not, each worker counts in its own memory against the same rates: so a limit holds without Redis too, at
most as many times over as there are workers, and nobody waits for it. What is counted here meanwhile is not told to
Redis later. Reading is always counted here: it is the path that must cost nothing, and a page read too often by as many
workers as there are does no harm that a limit a worker does not bound.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from microblog_streams.config.rate_limit_settings import RateLimitSettings
from microblog_streams.domain import rates
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.rates import Rate, Verdict
from microblog_streams.ports import RateStore

logger = logging.getLogger(__name__)


class RateLimit(StrEnum):
    """What is counted, each with rates of its own."""

    POSTING = "posting"
    FOLLOWING = "following"
    REGISTERING = "registering"
    READING = "reading"
    SIGNING_IN = "signing-in"


#: Counted by each worker for itself, always.
LOCAL: Final = frozenset({RateLimit.READING})


class RateLimiter:
    """Everybody's budgets."""

    def __init__(self, settings: RateLimitSettings, shared: RateStore, local: RateStore) -> None:
        """Take the rates from the settings; ``shared`` counts for all workers, ``local`` for this one."""
        self._rates: Mapping[RateLimit, tuple[Rate, ...]] = {
            RateLimit.POSTING: rates.parse(settings.limit_posting),
            RateLimit.FOLLOWING: rates.parse(settings.limit_following),
            RateLimit.REGISTERING: rates.parse(settings.limit_registering),
            RateLimit.READING: rates.parse(settings.limit_reading),
            RateLimit.SIGNING_IN: rates.parse(settings.limit_signing_in),
        }
        self._shared = shared
        self._local = local
        #: How many requests were refused since the start, by budget.
        self.refused: Counter[RateLimit] = Counter(dict.fromkeys(RateLimit, 0))

    async def take(self, budget: RateLimit, who: str) -> Verdict | None:
        """Draw one request from a caller's budget, which ``who`` names; None where it has no limit.

        A request that is refused is drawn from nothing.
        """
        if not (of := self._rates[budget]):
            return None
        verdict = await self._count(budget, f"{budget}/{who}", of)
        if not verdict.granted:
            self.refused[budget] += 1
            logger.debug("request_limited budget=%s who=%s", budget, who)
        return verdict

    async def _count(self, budget: RateLimit, key: str, of: tuple[Rate, ...]) -> Verdict:
        if budget in LOCAL:
            return await self._local.take(key, of)
        try:
            return await self._shared.take(key, of)
        except StoreUnavailable:
            return await self._local.take(key, of)
