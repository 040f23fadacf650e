"""The composition root: the one place where the application is put together.

``create_app`` builds the parts from the settings, in the order in which they need each other, and registers agents,
URLs and commands by name: without autodiscovery, so that a broken module stops the start.
"""

import logging

from mode import loop as event_loop

import agents
from microblog_streams import commands, traces
from microblog_streams.bootstrap.backend import build_backend
from microblog_streams.bootstrap.faust_app import FaustApp
from microblog_streams.bootstrap.services import BootOrder, Services, build_cluster_services, build_services
from microblog_streams.bootstrap.stores import Stores, build_operations, build_stores
from microblog_streams.bootstrap.streaming import Streaming, build_streaming
from microblog_streams.config.settings import Settings
from microblog_streams.delivery.faust_patches import check_versions, kafka_client
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import SetupError
from microblog_streams.operations import Operations
from microblog_streams.services.deployment_watch import choose_topic_set
from microblog_streams.services.periodic_tasks import WorkerPresence
from microblog_streams.services.worker_process import STOP_SECONDS, WorkerDirectory, end_within
from microblog_streams.stores.postgres.deployment import last_deployment
from web import routes

logger = logging.getLogger(__name__)

#: What a complete application has; a start without one of these is refused.
AGENTS = {"fan_out", "follows", "deletions", "profiles"}
TABLES = {"followers"}


class MicroblogApp(FaustApp):
    """The Faust app with the parts that ``create_app`` has built, and what happens when it starts and stops."""

    BootStrategy = BootOrder

    stores: Stores
    streaming: Streaming
    operations: Operations
    services: Services

    @property
    def worker_presence(self) -> WorkerPresence:
        """What the workers announced last, for Faust's router."""
        return self.services.cluster.worker_presence

    def on_rebalance_end(self) -> None:
        """Do what is done in every app, and announce the new partitions."""
        super().on_rebalance_end()
        self.worker_presence.changed()

    async def on_first_start(self) -> None:
        """Lock the worker's folder and check its port, then make the folders below, as Faust does."""
        if self.settings.auth == "open" and self.settings.serves_api:
            logger.warning("open_to_all setting=%s", "MICROBLOG_AUTH=open")
        self.worker_directory = WorkerDirectory(self.settings, self.topic_set)  # holds the lock for the app's life
        await self.worker_directory.take()
        await super().on_first_start()

    async def on_stop(self) -> None:
        """Finish and acknowledge in-flight events, end rebuilds, then stop as Faust does, all in bounded time."""
        end_within(STOP_SECONDS + self.settings.ack_hold)
        await self.operations.live.close()
        await self.streaming.processor_pool.drain()
        await self.operations.timelines.close()
        self.stores.in_redis.rates.close()
        self.heartbeat.leaving = True
        await super().on_stop()


def create_app(settings: Settings, deployment: Deployment | None = None) -> MicroblogApp:
    """Build the application for a deployment; if none is given, it is read from PostgreSQL or the worker's folder.

    Raises SetupError if the application is incomplete, or the settings name a topic set that is not open.
    """
    check_versions()
    kafka_client.patch_clients()
    event_loop.use("uvloop")
    if settings.traces != "off":
        traces.check_installed()
    deployment = deployment or last_deployment(settings)
    topic_set = choose_topic_set(settings, deployment)
    app = MicroblogApp(settings, topic_set, deployment.partitions_of(topic_set))
    build_parts(app, deployment)
    agents.register(app, app.streaming.processor_pool, app.operations)
    backend = build_backend(app, app.stores, app.operations, app.streaming, app.services)
    routes.register(app, backend, settings.serves_api, settings.auth == "required")
    commands.register(app, settings, deployment.era)
    check_complete(app)
    return app


def build_parts(app: MicroblogApp, deployment: Deployment) -> None:
    """Build stores, delivery, operations and services: each takes the ones before it."""
    settings = app.settings
    app.stores = build_stores(settings, deployment.era)
    cluster = build_cluster_services(app, app.stores, deployment)
    app.streaming = build_streaming(app, app.stores, cluster.deployment_watch)
    app.operations = build_operations(
        settings, app.stores, app.streaming.publisher, app.streaming.newest_posts, app.streaming.followers
    )
    app.services = build_services(app, app.stores, app.operations, app.streaming, cluster)


def check_complete(app: MicroblogApp) -> None:
    """Raise SetupError if an agent, a table or a URL is not registered."""
    registered = {"agents": set(app.agents), "tables": set(app.tables), "URLs": set(app.web.views)}
    paths = {path for path, _ in routes.served(app.settings.serves_api)}
    expected = {"agents": AGENTS, "tables": TABLES, "URLs": paths}
    for kind, names in expected.items():
        if missing := names - registered[kind]:
            raise SetupError(f"the application is not complete: {kind} {sorted(missing)} are not registered")
