"""``/metrics``: the numbers of one worker, for Prometheus. docs/metrics.md lists them.

The admin gate decides who may read them.
"""

from collections.abc import Iterator
from typing import cast

from aiohttp.web import Request, Response
from prometheus_client.metrics_core import Metric

from microblog_streams.metrics import definitions as metrics
from microblog_streams.metrics.exposition import Format, family, text
from web.api.view import View
from web.http.responses import preferred_type
from web.middlewares.stack import REQUEST_TIMES, RequestTimes
from web.server.connection_limits import ConnectionLimits
from web.server.server import GuardedWeb


class Metrics(View):
    """The metrics of one worker."""

    async def get(self, request: Request) -> Response:
        """Return them in Prometheus' text format, or in OpenMetrics where ``Accept`` prefers it."""
        families = [
            *await self.microblog.metrics.families(),
            *connection_families(cast(GuardedWeb, self.web).connections),
            *request_families(request.app[REQUEST_TIMES]),
        ]
        form = Format(preferred_type(request, tuple(Format)))
        return Response(body=await text(families, form), headers={"Content-Type": form.content_type, "Vary": "Accept"})


def connection_families(connections: ConnectionLimits) -> Iterator[Metric]:
    """Yield the connections of the web server that are open, were refused, and were cut."""
    yield family(metrics.CONNECTIONS, connections.open)
    yield family(metrics.CONNECTIONS_REFUSED, {str(reason): count for reason, count in connections.refused.items()})
    yield family(metrics.CONNECTIONS_CUT, {str(reason): count for reason, count in connections.cut.items()})


def request_families(times: RequestTimes) -> Iterator[Metric]:
    """Yield the times of requests."""
    yield family(metrics.HTTP_REQUEST_SECONDS, times.by_labels)
