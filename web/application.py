"""What views and middlewares use of the application."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from aiohttp.web import AppKey
from prometheus_client.metrics_core import Metric

from microblog_streams.cluster_status.collector import StatusCollector
from microblog_streams.cluster_status.health import LocalStatus
from microblog_streams.config.settings import Settings
from microblog_streams.operations import Operations
from microblog_streams.operations.follows import FollowerRows
from microblog_streams.operations.rate_limits import RateLimiter
from microblog_streams.search.find import Search


class HealthView(Protocol):
    """The worker's health."""

    async def report(self) -> Mapping[str, object]:
        """Return what ``/health`` shows, ready for JSON; ``status`` is ``ok`` or ``degraded``."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Return whether the worker serves requests, and if not, the reason."""
        ...


class MetricsSource(Protocol):
    """The worker's metrics."""

    async def families(self) -> Sequence[Metric]:
        """Return all but those of the web server."""
        ...


class Application(Protocol):
    """The application."""

    @property
    def settings(self) -> Settings:
        """The settings of the worker."""
        ...

    @property
    def operations(self) -> Operations:
        """The use cases."""
        ...

    @property
    def search(self) -> Search:
        """The searches."""
        ...

    @property
    def rate_limiter(self) -> RateLimiter:
        """The rate limits of all callers."""
        ...

    @property
    def health(self) -> HealthView:
        """The worker's health."""
        ...

    @property
    def metrics(self) -> MetricsSource:
        """The worker's metrics."""
        ...

    @property
    def rows(self) -> FollowerRows:
        """The rows of the followers table in this worker's partitions."""
        ...

    @property
    def local_status(self) -> LocalStatus:
        """The status of this worker."""
        ...

    @property
    def status_collector(self) -> StatusCollector:
        """The status of all workers and stores."""
        ...


#: The application of a request, for middlewares and for views of aiohttp.
MICROBLOG: Final = AppKey("microblog", Application)
