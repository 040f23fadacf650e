"""Faust's web driver, serving at our edge."""

from aiohttp.web import SockSite
from faust.types import AppT
from faust.web.drivers.aiohttp import Web

from microblog_streams.config.addresses import listening_sockets
from web.middlewares.cors import CorsPolicy
from web.server.connection_limits import ConnectionLimits
from web.server.limits import BACKLOG, Limits
from web.server.server import GuardedRunner


class GuardedWeb(Web):
    """Faust's driver with another runner."""

    def __init__(self, app: AppT, limits: Limits, sharing: CorsPolicy) -> None:
        """Serve what Faust serves, within ``limits``; ``sharing`` is for what no middleware sees."""
        super().__init__(app)
        self.door = ConnectionLimits(limits)
        self._runner = GuardedRunner(self.web_app, self.door, limits, sharing)

    async def start_server(self) -> None:
        """Serve on every address of the host."""
        await self._runner.setup()
        for one in listening_sockets(self.app.conf.web_bind, self.app.conf.web_port):
            await SockSite(self._runner, one, backlog=BACKLOG).start()
