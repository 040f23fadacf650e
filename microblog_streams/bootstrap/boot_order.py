"""The order in which a worker's services start.

Store connections (made in the background) and the web server start first, so a worker runs and answers while a store
is unavailable. Then come the services that wait for disk space, for Kafka and for its topics, and those that need
them.
"""

from collections.abc import Iterable
from typing import Protocol, cast

from faust.app import BootStrategy
from mode.types import ServiceT

from microblog_streams.bootstrap.services import Services
from microblog_streams.bootstrap.streaming import Streaming


class Application(Protocol):
    """What the boot order needs of the application besides Faust's own."""

    services: Services
    streaming: Streaming


class BootOrder(BootStrategy):
    """Faust's boot strategy with our services in their places."""

    def server(self) -> Iterable[ServiceT]:
        """Return the services of a worker, in the order of their start; they stop in the reverse order."""
        app = cast(Application, self.app)
        services = app.services
        return self._chain(
            self.sensors(),
            [services.store_connections, app.streaming.row_republisher, *_in_every_role(app)],
            self.web_server(),
            [services.disk_watch, services.broker_gate],
            self.kafka_producer(),
            [services.outbox_relay, services.reconciler, services.edge_audit],
            self.kafka_consumer(),
            self.agents(),
            self.kafka_conductor(),
            self.tables(),
        )

    def producer_only(self) -> Iterable[ServiceT]:
        """Return the services of a worker of the role ``web``: no agents, no tables, outside the consumer group."""
        app = cast(Application, self.app)
        services = app.services
        return self._chain(
            self.sensors(),
            [services.store_connections, *_in_every_role(app)],
            self.web_server(),
            [services.disk_watch, services.broker_gate],
            self.kafka_producer(),
        )


def _in_every_role(app: Application) -> list[ServiceT]:
    services, cluster = app.services, app.services.cluster
    watches = [services.dead_letter_watch, services.durability_watch, services.clock_watch]
    return [
        cluster.worker_presence,
        cluster.deployment_watch,
        app.streaming.redis_restart_monitor,
        *watches,
        *services.periodic_tasks,
    ]
