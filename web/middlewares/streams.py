"""Limits on streams: responses that last as long as their reader stays, so no deadline and no rate limits them.

A stream costs a connection and some kilobytes. They are counted in this worker, by the user and by the client's
address; behind a gateway that trusts its proxies this is the reader's own.
"""

from collections import Counter
from collections.abc import Iterator, Set
from contextlib import contextmanager

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Request, StreamResponse, middleware

from microblog_streams.config.settings import RateLimitSettings
from microblog_streams.domain.errors import TooManyStreams
from web.http.authorization import caller
from web.middlewares.client_address import ClientAddresses


def is_stream(request: Request, streams: Set[str]) -> bool:
    """Return whether the request's route, one of ``streams``, answers it with a stream."""
    resource = request.match_info.route.resource
    return request.method == "GET" and resource is not None and resource.canonical in streams


def stream_limit(settings: RateLimitSettings, streams: Set[str]) -> Middleware:
    """Return the middleware, which must stand behind authentication."""
    addresses = ClientAddresses(settings)
    open_streams: Counter[str] = Counter()

    @middleware
    async def limit_streams(request: Request, handler: Handler) -> StreamResponse:
        if not is_stream(request, streams):
            return await handler(request)
        found = caller(request)
        user = f"user:{found.user}" if found else ""
        with (
            _counted(open_streams, user, settings.max_streams_per_user if found else 0),
            _counted(open_streams, f"address:{addresses.of(request)}", settings.max_streams_per_address),
        ):
            return await handler(request)

    return limit_streams


@contextmanager
def _counted(open_streams: Counter[str], key: str, allowed: int) -> Iterator[None]:
    """Count a stream for the length of the block; 0 is no limit. Raises TooManyStreams."""
    if 0 < allowed <= open_streams[key]:
        raise TooManyStreams(allowed)
    open_streams[key] += 1
    try:
        yield
    finally:
        open_streams[key] -= 1
        if not open_streams[key]:
            del open_streams[key]
