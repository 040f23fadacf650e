"""Rate limits: which request counts against which limit, and a limit on guessing tokens.

Requests count against the user's limit if a token identifies the caller, so that people behind one address do not share
one, and otherwise against the address'. Registering and signing in always count against the address', because an
attacker can have any number of users. Requests that ``LIMITS`` does not name count against the limit of reading; only
``OPTIONS`` against none. A request counts when it arrives, whatever its outcome: one that fails or is repeated costs as
much.

Token guessing is limited in front of authentication, whose outcome it needs: each token that is refused counts against
a limit of the address, at the rates for signing in. Once it is exceeded, requests with a token are refused before the
token is looked up, so that guessing stops and costs no store anything. It is separate from the limit for signing in: an
old program that sends a revoked token every minute must not keep its owner from signing in again. Many people share an
address, and one such program must not lock out the others, so tokens that were valid recently are accepted. All of this
is kept in the worker's memory, so that requests with valid tokens pay nothing for it.
"""

from collections.abc import Mapping, Set
from functools import lru_cache
from hashlib import sha256
from time import monotonic
from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Request, StreamResponse, middleware

from microblog_streams.aio.ttl_cache import BoundedDict
from microblog_streams.config.settings import RateLimitSettings
from microblog_streams.domain.rates import Verdict
from microblog_streams.operations.rate_limits import RateLimit
from web.application import MICROBLOG
from web.http.authorization import caller
from web.http.params import canonical
from web.http.problems import TooManyRequests, with_problems
from web.http.responses import rate_limit_headers
from web.middlewares.client_address import ClientAddresses
from web.middlewares.sessions import Sessions

#: By method and path; all other requests of the API count against ``RateLimit.READING``.
LIMITS: Final[Mapping[tuple[str, str], RateLimit]] = {
    ("POST", "/posts/"): RateLimit.POSTING,
    ("DELETE", "/posts/{ident}"): RateLimit.POSTING,
    ("POST", "/users/{follower}/follow/{followee}"): RateLimit.FOLLOWING,
    ("DELETE", "/users/{follower}/follow/{followee}"): RateLimit.FOLLOWING,
    ("POST", "/users/{blocker}/block/{blocked}"): RateLimit.FOLLOWING,
    ("DELETE", "/users/{blocker}/block/{blocked}"): RateLimit.FOLLOWING,
    ("POST", "/users/"): RateLimit.REGISTERING,
    ("DELETE", "/users/{user}"): RateLimit.POSTING,
    ("PATCH", "/users/{user}"): RateLimit.POSTING,
    ("GET", "/search/posts"): RateLimit.SEARCHING,
    ("GET", "/search/users"): RateLimit.SEARCHING,
    ("GET", "/trends/tags"): RateLimit.SEARCHING,
    ("POST", "/tokens/"): RateLimit.SIGNING_IN,
    ("POST", "/session/"): RateLimit.SIGNING_IN,
    ("DELETE", "/session/"): RateLimit.READING,
    ("POST", "/session/registration"): RateLimit.REGISTERING,
    ("PUT", "/users/{user}/password"): RateLimit.SIGNING_IN,
}
#: Limits that are kept by address, even if the caller is known.
ADDRESS_LIMITS: Final = frozenset({RateLimit.REGISTERING, RateLimit.SIGNING_IN})
#: Valid tokens, and refused addresses, that a worker remembers; beyond it, the oldest are forgotten.
MAX_REMEMBERED: Final = 10_000

#: Methods of routes whose limit is remembered: more than there are.
MAX_ROUTES: Final = 256


def rate_limits(settings: RateLimitSettings, api_paths: Set[str]) -> Middleware:
    """Return the middleware of all limits, which must stand behind authentication."""
    addresses = ClientAddresses(settings)

    @middleware
    async def limit_rate(request: Request, handler: Handler) -> StreamResponse:
        limit = limit_of(request, api_paths)
        verdict = await request.app[MICROBLOG].rate_limiter.take(limit, _key(request, limit)) if limit else None
        if limit is None or verdict is None:
            return await handler(request)
        if not verdict.granted:
            raise TooManyRequests(limit, verdict)
        response = await with_problems(request, handler)
        for name, value in rate_limit_headers(limit, verdict).items():
            response.headers.setdefault(name, value)
        return response

    def _key(request: Request, limit: RateLimit) -> str:
        user = None if limit in ADDRESS_LIMITS else caller(request)
        return f"user:{user.user}" if user else f"address:{addresses.of(request)}"

    return limit_rate


def limit_of(request: Request, api_paths: Set[str]) -> RateLimit | None:
    """Return the limit that a request counts against; None for OPTIONS and for paths that are not the API's."""
    resource = request.match_info.route.resource
    if resource is None or resource.canonical not in api_paths or request.method == "OPTIONS":
        return None
    return _limit_of_route(request.method, resource.canonical)


@lru_cache(MAX_ROUTES)
def _limit_of_route(method: str, path: str) -> RateLimit:
    """Return the limit of a route's method. ``HEAD`` does the work of ``GET``, so it counts as that."""
    return LIMITS.get(("GET" if method == "HEAD" else method, canonical(path)), RateLimit.READING)


def token_guess_limit(settings: RateLimitSettings, sessions: Sessions) -> Middleware:
    """Return the middleware of the limit on guessing tokens, which must stand in front of authentication."""
    addresses = ClientAddresses(settings)
    guesses = _TokenGuesses()

    @middleware
    async def limit_guesses(request: Request, handler: Handler) -> StreamResponse:
        if not (given := _shown(request, sessions)):
            return await handler(request)
        address, token = addresses.of(request), _token_digest(given)
        guesses.check(address, token)
        response = await with_problems(request, handler)
        if caller(request):  # a 401 is that of a password then
            guesses.note_valid(token)
        elif response.status == 401:
            await guesses.note_invalid(request, address, token)
        return response

    return limit_guesses


class _TokenGuesses:
    """The tokens that were valid, and the addresses whose limit is used up."""

    def __init__(self) -> None:
        self._valid_tokens: BoundedDict[bytes, None] = BoundedDict(MAX_REMEMBERED)
        self._refused: BoundedDict[str, tuple[float, Verdict]] = BoundedDict(MAX_REMEMBERED)

    def check(self, address: str, token: bytes) -> None:
        """Raise TooManyRequests for an address whose limit is used up, unless the token was valid before."""
        if token in self._valid_tokens or address not in self._refused:
            return
        at, verdict = self._refused[address]
        now = verdict.aged(monotonic() - at)
        if now.tightest.seconds > 0:
            raise TooManyRequests(RateLimit.SIGNING_IN, now)

    def note_valid(self, token: bytes) -> None:
        self._valid_tokens[token] = None

    async def note_invalid(self, request: Request, address: str, token: bytes) -> None:
        """Count a request against the address' limit. Raises TooManyRequests where it was used up before."""
        self._valid_tokens.pop(token, None)
        verdict = await request.app[MICROBLOG].rate_limiter.take(RateLimit.SIGNING_IN, f"tokens:{address}")
        if verdict is None or verdict.tightest.requests:
            return
        self._refused[address] = (monotonic(), verdict)
        if not verdict.granted:
            raise TooManyRequests(RateLimit.SIGNING_IN, verdict)


def _shown(request: Request, sessions: Sessions) -> list[str]:
    """Return what the request shows to be let in: its Authorization headers, else the token of its session."""
    if given := request.headers.getall("Authorization", []):
        return list(given)
    secret = sessions.secret(request)
    return [secret] if secret is not None else []


def _token_digest(headers: list[str]) -> bytes:
    """Return the SHA-256 of what was shown, so that no token is kept in memory."""
    return sha256("\n".join(headers).encode("utf-8", "surrogateescape")).digest()
