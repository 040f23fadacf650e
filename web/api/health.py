"""Health and readiness of the worker."""

from aiohttp.web import Request, Response

from web.api import schemas
from web.api.view import Access, View, endpoint
from web.http import responses
from web.http.problems import NotReady


class Health(View):
    """The health report, for people and dashboards."""

    @endpoint("getHealth", schemas.Health, access=Access.ANONYMOUS)
    async def get(self, request: Request) -> Response:
        """Return the health report.

        The status is 200 as long as the worker runs; the body says which parts do not work.
        """
        return responses.mapping(await self.microblog.health.report())


class Ready(View):
    """Whether the worker serves requests, for load balancers."""

    @endpoint("getReadiness", schemas.Readiness, access=Access.ANONYMOUS, raises=(NotReady,))
    async def get(self, request: Request) -> Response:
        """Return 200 if the worker serves requests, else 503 with the reason."""
        ready, reason = self.microblog.health.ready()
        if not ready:
            raise NotReady(reason)
        return responses.mapping({"status": "ready"})
