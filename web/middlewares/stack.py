"""The order of the middlewares: times, trace, request id, errors as problems, admin gate, authentication, rate limits.

Middlewares that change responses, errors included, stand outside the one that makes problem documents. Rate limits have
two middlewares around authentication: ``token_guess_limit`` sees failed tokens, ``rate_limits`` knows the caller.

The small middlewares are here: problem documents, gzip, limits of a request's size and time, times for ``/metrics``.

A page of posts shrinks to a third when compressed, a single post hardly. ISA-L compresses five times as fast as zlib,
and almost as well. aiohttp's own compression is not used: above 4 KiB it works in a thread, which costs more than the
work; it sends deflate to clients that accept both, and gzip to clients that refuse it (``gzip;q=0``).

Times are counted by route, method and status, as ``web.http.params`` names them.
"""

import asyncio
from collections.abc import Mapping, Set
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import (
    AppKey,
    HTTPRequestEntityTooLarge,
    HTTPRequestTimeout,
    Request,
    Response,
    StreamResponse,
    middleware,
)
from aiohttp.web_urldispatcher import AbstractResource
from isal import isal_zlib

from microblog_streams.config.settings import Settings
from microblog_streams.domain.measures import REQUEST_SECONDS, Histogram
from microblog_streams.traces import request_span
from web.http.params import method_name, resource_of, route_name
from web.http.problems import TooSlow, with_problems
from web.http.responses import accepts_gzip
from web.middlewares.authentication import admin_gate, authentication
from web.middlewares.cors import CorsPolicy, cors
from web.middlewares.rate_limits import rate_limits, token_guess_limit
from web.middlewares.request_ids import HEADER, request_ids
from web.middlewares.sessions import Sessions
from web.middlewares.streams import is_stream, stream_limit

#: The largest body of a request. A post of 2,000 characters, escaped as JSON allows, takes 24,000 bytes.
MAX_BODY_BYTES: Final = 64 * 1024
#: For a request: longer than the slowest operation takes with every store at its timeout and one retry.
DEADLINE_SECONDS: Final = 10.0
#: The largest body that is sent uncompressed.
UNCOMPRESSED_BYTES: Final = 1024
#: ISA-L's level (0 to 3). As small as zlib's 6; the longest possible page (800 KB) takes 3 ms, most take 0.06 ms.
GZIP_LEVEL: Final = 2
#: zlib's ``wbits`` for a gzip header.
_GZIP_WBITS: Final = 31


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of routes, as the router names them, with and without a slash at the end."""

    #: Those that need no admin token.
    public: Set[str]
    #: Those of the API, where the caller matters.
    api: Set[str]
    #: Those of the pages that read stores: they count against the limit of reading.
    pages: Set[str]
    #: Those that answer with a stream, for as long as the client reads it.
    streams: Set[str]
    #: Those of the metrics, which some networks read without the admin token.
    metrics: Set[str]


def application_options(settings: Settings, paths: Paths) -> Mapping[str, object]:
    """Return the value of Faust's setting ``web_application_options``."""
    return {"middlewares": middlewares(settings, paths), "client_max_size": MAX_BODY_BYTES}


def middlewares(settings: Settings, paths: Paths, request_seconds: float = DEADLINE_SECONDS) -> list[Middleware]:
    """Return the middlewares, outermost first."""
    sessions = Sessions(settings)
    cross_origin = [cors(CorsPolicy(settings.cors_origins))] if settings.cors_origins else []
    return [
        request_times,
        *([traced(paths.api)] if settings.traces != "off" else []),
        request_ids,
        *cross_origin,
        compression,
        problems,
        admin_gate(settings, paths.public, paths.metrics),
        token_guess_limit(settings, sessions),
        authentication(settings.auth == "required", paths.api, sessions),
        rate_limits(settings, paths.api | paths.pages),
        size_limit,
        deadline(request_seconds, paths.streams),
        stream_limit(settings, paths.streams),
    ]


def traced(api: Set[str]) -> Middleware:
    """Return the middleware that makes each call of the API a span, below the caller's if it sent ``traceparent``."""

    @middleware
    async def in_trace(request: Request, handler: Handler) -> StreamResponse:
        resource = resource_of(request)
        if resource is None or resource.canonical not in api:
            return await handler(request)
        method, route = method_name(request.method), route_name(resource)
        attributes = {"http.request.method": method, "http.route": route}
        with request_span(f"{method} {route}", request.headers, attributes) as span:
            response = await handler(request)
            if span is not None:  # the worker does not end
                span.set_attribute("http.response.status_code", response.status)
                span.set_attribute("microblog.request_id", response.headers.get(HEADER, ""))
            return response

    return in_trace


@middleware
async def problems(request: Request, handler: Handler) -> StreamResponse:
    """Turn errors of the router, of the middlewares behind and of Faust's pages into problem documents."""
    return await with_problems(request, handler)


@middleware
async def compression(request: Request, handler: Handler) -> StreamResponse:
    """Compress large responses for clients that accept gzip; tell caches that responses depend on that."""
    response = await handler(request)
    if not isinstance(response, Response):
        return response
    response.headers.add("Vary", "Accept-Encoding")
    if _is_compressible(response) and accepts_gzip(request):
        response.body = isal_zlib.compress(response.body, GZIP_LEVEL, wbits=_GZIP_WBITS)
        response.headers["Content-Encoding"] = "gzip"
    return response


def _is_compressible(response: Response) -> bool:
    """Return whether the body is large and not compressed already."""
    return (
        isinstance(response.body, bytes)
        and len(response.body) > UNCOMPRESSED_BYTES
        and "Content-Encoding" not in response.headers
    )


@middleware
async def size_limit(request: Request, handler: Handler) -> StreamResponse:
    """Refuse a request whose ``Content-Length`` is too large, even if no view would read the body."""
    if (request.content_length or 0) > request.client_max_size:
        raise HTTPRequestEntityTooLarge(request.client_max_size)
    return await handler(request)


def deadline(seconds: float, streams: Set[str] = frozenset()) -> Middleware:
    """Return the middleware that cancels a request after ``seconds``, unless it is answered with a stream."""

    @middleware
    async def limit_time(request: Request, handler: Handler) -> StreamResponse:
        if is_stream(request, streams):
            return await handler(request)
        try:
            async with asyncio.timeout(seconds):
                return await handler(request)
        except TimeoutError:
            raise TooSlow if request.content.is_eof() else HTTPRequestTimeout from None

    return limit_time


class RequestTimes:
    """The times of all requests of a worker."""

    def __init__(self) -> None:
        """Start without requests."""
        self._by_labels: dict[tuple[str, str, str], Histogram] = {}
        #: The same histograms, by what a request has: the two spellings of a path share one.
        self._by_request: dict[tuple[AbstractResource | None, str, int], Histogram] = {}

    @property
    def by_labels(self) -> Mapping[tuple[str, str, str], Histogram]:
        """The times by route, method and status."""
        return self._by_labels

    def observe(self, request: Request, status: int, seconds: float) -> None:
        """Count a request."""
        key = resource_of(request), method_name(request.method), status
        if (times := self._by_request.get(key)) is None:
            times = self._by_request[key] = self._labelled(*key)
        times.observe(seconds)

    def _labelled(self, resource: AbstractResource | None, method: str, status: int) -> Histogram:
        return self._by_labels.setdefault((route_name(resource), method, str(status)), Histogram(REQUEST_SECONDS))


#: The times of an application's requests.
REQUEST_TIMES: Final = AppKey("request_times", RequestTimes)


@middleware
async def request_times(request: Request, handler: Handler) -> StreamResponse:
    """Count the request with its status.

    One that is cancelled has none, and a stream lasts as long as its reader stays: neither is counted.
    """
    began = perf_counter()
    response = await handler(request)
    if not isinstance(response, Response):
        return response
    request.app[REQUEST_TIMES].observe(request, response.status, perf_counter() - began)
    return response
