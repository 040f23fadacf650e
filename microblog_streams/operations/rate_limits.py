"""Limits the requests of each caller, counted in Redis for all workers together.

If Redis does not answer, each worker counts in its own memory against the same rates, and no request waits: n workers
then grant up to n times the limit. These counts are not added to Redis later. Reads are always counted in memory,
because they must cost nothing, and a limit by worker bounds their load well enough.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from microblog_streams.config.settings import RateLimitSettings
from microblog_streams.domain import rates
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.rates import Rate, Verdict
from microblog_streams.ports import RateStore

logger = logging.getLogger(__name__)


class RateLimit(StrEnum):
    """The kinds of requests, each with rates of its own."""

    POSTING = "posting"
    FOLLOWING = "following"
    REGISTERING = "registering"
    READING = "reading"
    SEARCHING = "searching"
    SIGNING_IN = "signing-in"


#: Always counted in the worker's memory.
LOCAL: Final = frozenset({RateLimit.READING})


class RateLimiter:
    """The limits of all callers."""

    def __init__(self, settings: RateLimitSettings, shared: RateStore, local: RateStore) -> None:
        """``shared`` counts for all workers, ``local`` for this one."""
        self._rates: Mapping[RateLimit, tuple[Rate, ...]] = {
            RateLimit.POSTING: rates.parse(settings.limit_posting),
            RateLimit.FOLLOWING: rates.parse(settings.limit_following),
            RateLimit.REGISTERING: rates.parse(settings.limit_registering),
            RateLimit.READING: rates.parse(settings.limit_reading),
            RateLimit.SEARCHING: rates.parse(settings.limit_searching),
            RateLimit.SIGNING_IN: rates.parse(settings.limit_signing_in),
        }
        self._shared = shared
        self._local = local
        #: Refused requests since the start, by kind.
        self.refused: Counter[RateLimit] = Counter(dict.fromkeys(RateLimit, 0))

    async def take(self, limit: RateLimit, caller: str) -> Verdict | None:
        """Count a request of ``caller``, and return whether it is granted; None if there is no limit.

        A refused request does not count.
        """
        if not (rates_of_limit := self._rates[limit]):
            return None
        verdict = await self._count(limit, f"{limit}/{caller}", rates_of_limit)
        if not verdict.granted:
            self.refused[limit] += 1
            logger.debug("request_limited budget=%s who=%s", limit, caller)
        return verdict

    async def _count(self, limit: RateLimit, key: str, rates_of_limit: tuple[Rate, ...]) -> Verdict:
        if limit in LOCAL:
            return await self._local.take(key, rates_of_limit)
        try:
            return await self._shared.take(key, rates_of_limit)
        except StoreUnavailable:
            return await self._local.take(key, rates_of_limit)
