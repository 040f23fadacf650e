"""What every view of the API is made from: a Faust view with the app's operations at hand and errors answered.

``web`` is the name of this package and of Faust's, so Faust's view is imported by its name and never as ``web``.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any, Final, Protocol, cast

from aiohttp.web import AppKey, Request, StreamResponse
from faust.web import View as FaustView

from microblog_streams.cluster_status.collector import StatusCollector
from microblog_streams.cluster_status.health import LocalStatus
from microblog_streams.operations import Operations
from microblog_streams.operations.follower_table_lookup import Rows
from microblog_streams.rate_limits.rate_limiter import RateLimiter
from web.api.endpoint import Who, described
from web.http import responses
from web.http.authorization import actor, insist
from web.http.body import read
from web.http.problems import problem_response


class HealthView(Protocol):
    """How the worker is, as the application tells it."""

    async def report(self) -> Mapping[str, object]:
        """Return what can be written as JSON, with ``status``: ``ok`` or ``degraded``."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Return whether the worker serves REST, and the reason in words where it does not."""
        ...


class Application(Protocol):
    """What views use of the application."""

    @property
    def operations(self) -> Operations:
        """What the system does."""
        ...

    @property
    def rate_limiter(self) -> RateLimiter:
        """How much of everything each caller has left."""
        ...

    @property
    def health(self) -> HealthView:
        """How the worker is."""
        ...

    @property
    def rows(self) -> Rows:
        """The rows of the followers table that are in this worker."""
        ...

    @property
    def local_status(self) -> LocalStatus:
        """What this worker tells of itself."""
        ...

    @property
    def status_collector(self) -> StatusCollector:
        """All workers and parts."""
        ...


#: The application, for what stands before the views.
MICROBLOG: Final = AppKey("microblog", Application)

#: What finds out that it is known who calls, where it must be.
_ASKED: Final[Mapping[Who, Callable[[Request], object] | None]] = {
    Who.UNASKED: None,
    Who.ANYBODY: None,
    Who.CALLER: insist,
    Who.OWNER: actor,
}


class View(FaustView):
    """A view of the API: methods named as in HTTP, taking the request and the path's parameters as text.

    One that is described as taking a body has it read, and gets it as ``body``; who calls is asked before that.
    """

    def __post_init__(self) -> None:
        """Have errors answered inside Faust's sensors, or its metrics would count every 404 as a 500.

        HEAD is offered where GET is, as released by every Faust view; OPTIONS everywhere.
        """
        offered = super().get_methods()
        self.offered: set[str] = offered if "GET" in offered else offered - {"HEAD"}
        self.methods = {name: _answered(method) for name, method in self.methods.items()}

    def get_methods(self) -> set[str]:
        """Return the methods that a route is made for; for all others the router answers 405."""
        return self.offered

    async def options(self, request: Request, **path: str) -> StreamResponse:
        """Answer which methods there are; what a browser asks before a call from another origin is ``cors``' matter."""
        return responses.methods(self.offered)

    @property
    def microblog(self) -> Application:
        """What the view calls."""
        return cast(Any, self.web).web_app[MICROBLOG]  # type: ignore[no-any-return]

    @property
    def operations(self) -> Operations:
        """What the system does."""
        return self.microblog.operations


def _answered(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[StreamResponse]]:
    call = described(method)
    model = call.takes if call else None
    ask = _ASKED[call.by] if call else None

    @wraps(method)
    async def answered(request: Request, **path: str) -> StreamResponse:
        try:
            if ask:
                ask(request)
            taken = {"body": await read(request, model)} if model else {}
            return cast(StreamResponse, await method(request, **path, **taken))
        except Exception as exc:
            return problem_response(exc, request)

    return answered
