"""The order in which a worker starts: what answers first, what waits for Kafka after it.

The stores' connections (made in the background) and the web server come first, so a worker lives and
answers while a part is away. Then what waits for room on the disk, and for Kafka and its topics, and what needs them.
"""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import faust
from faust.app import BootStrategy
from faust.cli.base import DEFAULT_LOGLEVEL
from faust.types import AppT
from mode.types import ServiceT
from yarl import URL

from microblog_streams.config.settings import stop_with
from microblog_streams.domain.errors import SetupError
from microblog_streams.observability.logs import name_requests

if TYPE_CHECKING:
    from microblog_streams.bootstrap.application import MicroblogApp


class Boot(BootStrategy):
    """Faust's boot strategy with our services in their places."""

    def server(self) -> Iterable[ServiceT]:
        """Return the services of a worker, in the order of their start; they stop in the reverse order."""
        app = cast("MicroblogApp", self.app)
        return self._chain(
            self.sensors(),
            [app.store_connections, app.row_republisher, *_in_every_role(app)],
            self.web_server(),
            [app.disk_watch, app.broker_gate],
            self.kafka_producer(),
            [app.outbox_relay, app.reconciler, app.edge_audit],
            self.kafka_consumer(),
            self.agents(),
            self.kafka_conductor(),
            self.tables(),
        )

    def producer_only(self) -> Iterable[ServiceT]:
        """Return the services of a worker of the role ``web``: no agents, no tables, outside the group."""
        app = cast("MicroblogApp", self.app)
        return self._chain(
            self.sensors(),
            [app.store_connections, *_in_every_role(app)],
            self.web_server(),
            [app.disk_watch, app.broker_gate],
            self.kafka_producer(),
        )


def _in_every_role(app: "MicroblogApp") -> list[ServiceT]:
    watches = [app.redis_restart_monitor, app.dead_letters, app.durability_watch, app.clock_watch]
    return [app.worker_presence, app.deployment_watch, *watches, *app.periodic_tasks]


def _check_options(app: "MicroblogApp") -> None:
    """Stop where Faust's own options changed the web server: what depends on the settings would not know of it."""
    conf, settings = app.conf, app.settings
    served = (conf.web_bind, conf.web_port, conf.web_transport, conf.web_enabled)
    if served != (settings.web_host, settings.web_port, URL("tcp://"), True):
        stop_with(
            SetupError(
                "a worker's web server is not configured by --web-bind, --web-port, --web-transport or --without-web: "
                "set MICROBLOG_WEB_HOST and MICROBLOG_WEB_PORT"
            )
        )


class MicroblogWorker(faust.Worker):
    """Faust's worker, logging at the level of the settings unless the command line names another."""

    def __init__(self, app: AppT, *args: Any, loglevel: str | int | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Take Faust's arguments. Ends the process where they would serve elsewhere than the settings say."""
        _check_options(cast("MicroblogApp", app))
        if loglevel in (None, DEFAULT_LOGLEVEL):
            loglevel = cast("MicroblogApp", app).settings.log_level
        super().__init__(app, *args, loglevel=loglevel, **kwargs)

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        """Have what Faust's handlers write name the request that it is about."""
        super().on_setup_root_logger(logger, level)
        name_requests()
