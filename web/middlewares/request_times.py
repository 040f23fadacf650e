"""How long requests take, by route, method and status, for ``/metrics``.

Clients choose paths and methods, so neither is a label as it was sent: a route is named by its template, without a
slash at its end, a path without a route is ``unknown``, and a method that HTTP does not define is ``other``.
"""

from collections.abc import Mapping
from time import perf_counter
from typing import Final

from aiohttp.hdrs import METH_ALL
from aiohttp.typedefs import Handler
from aiohttp.web import AppKey, Request, StreamResponse, middleware
from aiohttp.web_urldispatcher import AbstractResource

from microblog_streams.domain.measures import REQUEST_SECONDS, Histogram

UNKNOWN_ROUTE: Final = "unknown"
OTHER_METHOD: Final = "other"

_METHODS: Final = {method: method for method in METH_ALL}


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
        resource = request.match_info.route.resource
        key = resource, _METHODS.get(request.method, OTHER_METHOD), status
        if (times := self._by_request.get(key)) is None:
            times = self._by_request[key] = self._labelled(*key)
        times.observe(seconds)

    def _labelled(self, resource: AbstractResource | None, method: str, status: int) -> Histogram:
        route = UNKNOWN_ROUTE if resource is None else resource.canonical.removesuffix("/") or "/"
        return self._by_labels.setdefault((route, method, str(status)), Histogram(REQUEST_SECONDS))


#: The times of an application's requests.
REQUEST_TIMES: Final = AppKey("request_times", RequestTimes)


@middleware
async def request_times(request: Request, handler: Handler) -> StreamResponse:
    """Count the request with its status. A request that is cancelled has none, and is not counted."""
    began = perf_counter()
    response = await handler(request)
    request.app[REQUEST_TIMES].observe(request, response.status, perf_counter() - began)
    return response
