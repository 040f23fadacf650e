"""Faust's web driver, serving at our edge."""

from aiohttp.web import TCPSite
from faust.types import AppT
from faust.web.drivers.aiohttp import Web

from web.edge.door import Door
from web.edge.limits import BACKLOG, Limits
from web.edge.server import GuardedRunner
from web.middlewares.cors import Sharing


class GuardedWeb(Web):
    """Faust's driver with another runner."""

    def __init__(self, app: AppT, limits: Limits, sharing: Sharing) -> None:
        """Serve what Faust serves, within ``limits``; ``sharing`` is for what no middleware sees."""
        super().__init__(app)
        self.door = Door(limits)
        self._runner = GuardedRunner(self.web_app, self.door, limits, sharing)

    def _new_transport_tcp(self) -> TCPSite:
        conf = self.app.conf
        return TCPSite(self._runner, conf.web_bind, conf.web_port, ssl_context=conf.web_ssl_context, backlog=BACKLOG)
