"""``/metrics``: the numbers of one worker, for Prometheus. docs/metrics.md lists them.

The admin gate decides who may read them.
"""

from collections.abc import Iterator
from typing import cast

from aiohttp.web import Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric

from microblog_streams.metrics import definitions as metrics
from microblog_streams.metrics.definitions import family, text
from web.api.view import View
from web.middlewares.stack import REQUEST_TIMES, RequestTimes
from web.server.connection_limits import ConnectionLimits
from web.server.server import GuardedWeb


class Metrics(View):
    """The metrics of one worker."""

    async def get(self, request: Request) -> Response:
        """Return them in Prometheus' text format."""
        families = [
            *await self.microblog.metrics.families(),
            *connection_families(cast(GuardedWeb, self.web).connections),
            *request_families(request.app[REQUEST_TIMES]),
        ]
        return Response(body=await text(families), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def connection_families(connections: ConnectionLimits) -> Iterator[Metric]:
    """Yield the connections of the web server that are open, were refused, and were cut."""
    yield family(metrics.CONNECTIONS, connections.open)
    yield family(metrics.CONNECTIONS_REFUSED, {str(reason): count for reason, count in connections.refused.items()})
    yield family(metrics.CONNECTIONS_CUT, {str(reason): count for reason, count in connections.cut.items()})


def request_families(times: RequestTimes) -> Iterator[Metric]:
    """Yield the times of requests."""
    yield family(metrics.HTTP_REQUEST_SECONDS, times.by_labels)
