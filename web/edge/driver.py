"""Faust's web driver, serving at our edge."""

from faust.types import AppT
from faust.web.drivers.aiohttp import Web

from web.edge.door import Door
from web.edge.limits import Limits
from web.edge.server import GuardedRunner


class GuardedWeb(Web):
    """Faust's driver with another runner."""

    def __init__(self, app: AppT, limits: Limits) -> None:
        """Serve what Faust serves, within ``limits``."""
        super().__init__(app)
        self.door = Door(limits)
        self._runner = GuardedRunner(self.web_app, self.door, limits)
