"""Guessing tokens: an address whose tokens were not good too often is not listened to for a while.

It is the outer of the limits' two parts, around authentication, because it must know how that ends: only a 401 counts,
against the rates for signing in. Once these are used up, a request with a token is refused before the token is looked
at, so that guessing comes to an end and costs no store anything. The count is one of its own: an old program that asks
every minute with a token that was revoked must not keep its owner from signing in again.

Many people share an address, and one old program among them must not lock out the others: tokens that were good a
moment ago are let through. All this is kept in the worker, so the good request pays nothing for it.
"""

from collections import OrderedDict
from hashlib import sha256
from time import monotonic
from typing import Final, Generic, TypeVar

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Request, StreamResponse, middleware

from microblog_streams.config.rate_limit_settings import RateLimitSettings
from microblog_streams.domain.rates import Verdict
from microblog_streams.rate_limits.rate_limiter import RateLimit
from web.api.view import MICROBLOG
from web.http.authorization import caller
from web.http.problems import TooManyRequests, answered
from web.middlewares.client_address import Addresses

#: Good tokens, and addresses that are not listened to, that a worker remembers; then it forgets the oldest.
REMEMBERED: Final = 10_000

K = TypeVar("K")
V = TypeVar("V")


class Memory(OrderedDict[K, V], Generic[K, V]):
    """The last things that were learned."""

    def learn(self, key: K, value: V) -> None:
        """Remember something, and forget the oldest of too many."""
        self[key] = value
        self.move_to_end(key)
        if len(self) > REMEMBERED:
            self.popitem(last=False)


def guesses(settings: RateLimitSettings) -> Middleware:
    """Return the middleware. It stands in front of authentication."""
    addresses = Addresses(settings)
    good: Memory[bytes, None] = Memory()
    closed: Memory[str, tuple[float, Verdict]] = Memory()

    @middleware
    async def guarded(request: Request, handler: Handler) -> StreamResponse:
        if not (given := request.headers.getall("Authorization", [])):
            return await handler(request)
        address, token = addresses.of(request), _digest(given)
        if token not in good:
            _listen(address)
        response = await answered(request, handler)
        if response.status == 401:
            good.pop(token, None)
            await _count(request, address)
        elif caller(request):
            good.learn(token, None)
        return response

    def _listen(address: str) -> None:
        if address not in closed:
            return
        at, verdict = closed[address]
        now = verdict.aged(monotonic() - at)
        if now.tightest.seconds > 0:
            raise TooManyRequests(RateLimit.SIGNING_IN, now)

    async def _count(request: Request, address: str) -> None:
        verdict = await request.app[MICROBLOG].rate_limiter.take(RateLimit.SIGNING_IN, f"tokens:{address}")
        if verdict is None or verdict.tightest.requests:
            return
        closed.learn(address, (monotonic(), verdict))
        if not verdict.granted:
            raise TooManyRequests(RateLimit.SIGNING_IN, verdict)

    return guarded


def _digest(given: list[str]) -> bytes:
    """Return what stands for a token here, so that none is kept."""
    return sha256("\n".join(given).encode("utf-8", "surrogateescape")).digest()
