"""How the worker is: ``/health`` for people and dashboards, ``/ready`` for whoever sends it requests."""

from aiohttp.web import Request, Response

from web.api import schemas
from web.api.endpoint import Who, call
from web.api.view import View
from web.http import responses
from web.http.problems import NotReady


class Health(View):
    """What is well and what is not. 200 as long as the worker is alive: the body tells the rest."""

    @call("getHealth", schemas.Health, by=Who.UNASKED)
    async def get(self, request: Request) -> Response:
        """Return the report."""
        return responses.plain(await self.microblog.health.report())


class Ready(View):
    """Whether the worker serves requests."""

    @call("getReadiness", schemas.Readiness, by=Who.UNASKED, raises=(NotReady,))
    async def get(self, request: Request) -> Response:
        """Return 200, or 503 with the reason."""
        ready, reason = self.microblog.health.ready()
        if not ready:
            raise NotReady(reason)
        return responses.plain({"status": "ready"})
