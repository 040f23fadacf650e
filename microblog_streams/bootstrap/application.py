"""The composition root: the one place where the application is put together.

``create_app`` makes the stores, the operations on them, the delivery that makes Faust safe, and mounts tables, agents,
URLs and commands by their ``register`` functions: no autodiscovery, so a broken module stops the start.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

import faust
from faust.types import TopicT, TransportT
from mode import loop as event_loop

import agents
import tables.followers
from microblog_streams import commands
from microblog_streams.bootstrap import gc_tuning
from microblog_streams.bootstrap.boot_order import Boot
from microblog_streams.bootstrap.wiring import add_delivery, add_stores, add_tables
from microblog_streams.cluster_status.collector import StatusCollector
from microblog_streams.cluster_status.health import Health
from microblog_streams.cluster_status.local import LocalStatus
from microblog_streams.cluster_status.worker_client import WorkerClient
from microblog_streams.config.faust_config import app_id, changelog_name, configuration
from microblog_streams.config.settings import Settings
from microblog_streams.dead_letters.watch import DeadLetterWatch
from microblog_streams.delivery.faust_patches import check_versions, connection, transport
from microblog_streams.delivery.lease import Heartbeat
from microblog_streams.delivery.processor_pool import ProcessorPool
from microblog_streams.delivery.redis_restart_monitor import RedisRestartMonitor
from microblog_streams.domain import topics
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import SetupError
from microblog_streams.observability.logs import quieten
from microblog_streams.operations import Operations
from microblog_streams.operations.follower_table_lookup import Rows
from microblog_streams.rate_limits.rate_limiter import RateLimiter
from microblog_streams.services.broker_gate import BrokerGate
from microblog_streams.services.clock_watch import ClockWatch
from microblog_streams.services.deployment_watch import DeploymentWatch, choose_generation
from microblog_streams.services.disk_watch import DiskWatch
from microblog_streams.services.durability_watch import DurabilityWatch
from microblog_streams.services.edge_audit import EdgeAudit
from microblog_streams.services.outbox_relay import OutboxRelay
from microblog_streams.services.periodic_task import PeriodicTask
from microblog_streams.services.reconciler import Reconciler
from microblog_streams.services.row_republisher import RowRepublisher
from microblog_streams.services.store_connections import StoreConnections
from microblog_streams.services.worker_directory import WorkerDirectory
from microblog_streams.services.worker_exit import STOP_SECONDS, end_within
from microblog_streams.services.worker_presence import WorkerPresence
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.last_deployment import last_deployment
from microblog_streams.stores.postgres.outbox import Outbox
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.rates import SharedRates
from microblog_streams.stores.redis.worker_registry import Worker
from web import routes
from web.middlewares.cors import CorsPolicy
from web.server.faust_driver import GuardedWeb
from web.server.limits import Limits

logger = logging.getLogger(__name__)

# What a complete application has; a start without one of these is refused.
AGENTS = {"fan_out", "follows", "deletions"}
TABLES = {"followers"}


class MicroblogApp(faust.App):
    """The Faust app, with what agents, views and commands find on it."""

    BootStrategy = Boot

    settings: Settings
    operations: Operations
    rates: SharedRates
    rate_limiter: RateLimiter
    processor_pool: ProcessorPool
    health: Health
    store_connections: StoreConnections
    postgres: Postgres
    redis: Redis
    worker_directory: WorkerDirectory
    disk_watch: DiskWatch
    broker_gate: BrokerGate
    redis_restart_monitor: RedisRestartMonitor
    worker_presence: WorkerPresence
    deployment_watch: DeploymentWatch
    outbox_relay: OutboxRelay
    row_republisher: RowRepublisher
    edge_audit: EdgeAudit
    reconciler: Reconciler
    outbox: Outbox
    dead_letters: DeadLetterWatch
    durability_watch: DurabilityWatch
    clock_watch: ClockWatch
    periodic_tasks: Sequence[PeriodicTask]
    followers: tables.followers.FollowersTable
    rows: Rows
    worker_client: WorkerClient
    local_status: LocalStatus
    status_collector: StatusCollector
    heartbeat: Heartbeat

    def __init__(self, settings: Settings, generation: int, partitions: int) -> None:
        """Configure Faust; ``create_app`` adds the rest."""
        super().__init__(app_id(generation), **configuration(settings, generation, partitions))
        self.settings = settings
        # Outside the group: a member without agents would break the co-partitioning of the others.
        self.producer_only = settings.roles == "web"
        self.topic_set = generation
        self.began = datetime.now(UTC)
        self._published: dict[str, TopicT] = {}
        self.heartbeat = Heartbeat(settings.session_timeout)

    def topic_name(self, logical: str) -> str:
        """Return a topic's name in Kafka."""
        return topics.topic_name(logical, self.topic_set)

    def stream_of(self, *logical: str) -> TopicT:
        """Return topics as a channel of raw bytes: ``deliver`` validates, so that nothing invalid is lost."""
        return self._raw(*map(self.topic_name, logical))

    def topic_of(self, logical: str, generation: int) -> TopicT:
        """Return a generation's topic to publish on. Topics are kept: there are few, and each is made but once."""
        name = topics.topic_name(logical, generation)
        if name not in self._published:
            self._published[name] = self._raw(name)
        return self._published[name]

    def _raw(self, *names: str) -> TopicT:
        return self.topic(*names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    def changelog_name(self) -> str:
        """Return the name of the followers table's changelog topic in Kafka."""
        return changelog_name(self.topic_set)

    def itself(self) -> Worker:
        """Return what the other workers should know of this one."""
        settings, partitions = self.settings, self._partitions()
        return Worker(settings.worker_name, settings.own_url, settings.roles, partitions, self.topic_set, self.began)

    def _partitions(self) -> tuple[int, ...]:
        changelog = self.changelog_name()
        mine = () if self.producer_only or self.rebalancing else self.assignor.assigned_actives()
        return tuple(sorted(tp.partition for tp in mine if tp.topic == changelog))

    def partitions_in_full(self) -> tuple[int, ...]:
        """Return the partitions of which this worker has all rows: none while it recovers them."""
        return self._partitions() if self.tables.actives_ready else ()

    def _new_transport(self) -> TransportT:
        mended = transport.MendedTransport(self.conf.broker_consumer, self)
        mended.heartbeat = self.heartbeat
        return mended

    def _new_web(self) -> GuardedWeb:
        return GuardedWeb(self, Limits.of(self.settings), CorsPolicy(self.settings.cors_origins))

    def on_rebalance_end(self) -> None:
        """Be ready as Faust is, fetch as a worker that is, and say so."""
        super().on_rebalance_end()
        transport.be_ready(self)
        self.worker_presence.changed()

    async def on_first_start(self) -> None:
        """Take folder and port, then make the folders below, as Faust does."""
        if self.settings.auth == "open" and self.settings.serves_api:
            logger.warning("open_to_all MICROBLOG_AUTH=open lets everybody on this machine act as anybody")
        await self.worker_directory.take()
        await super().on_first_start()

    async def on_started(self) -> None:
        """Finish the start as Faust does; what is there then stays."""
        await super().on_started()
        gc_tuning.freeze()

    async def on_stop(self) -> None:
        """Finish and acknowledge what is under way, end rebuilds, then stop as Faust does; all of it has an end."""
        end_within(STOP_SECONDS + self.settings.ack_hold)
        await self.processor_pool.drain()
        await self.operations.timelines.close()
        self.rates.close()
        self.heartbeat.leaving = True
        await super().on_stop()


def create_app(settings: Settings, deployment: Deployment | None = None) -> MicroblogApp:
    """Put the application together, for the deployment as it is known; it is asked for where none is given.

    Raises SetupError where the application would not be complete, or the settings name a generation that is closed.
    """
    check_versions()
    connection.mend()
    event_loop.use("uvloop")
    quieten()
    deployment = deployment or last_deployment(settings)
    generation = choose_generation(settings, deployment)
    app = MicroblogApp(settings, generation, deployment.partitions_of(generation))
    add_tables(app)
    add_stores(app, deployment)
    add_delivery(app)
    agents.register(app)
    routes.register(app, settings.serves_api, settings.auth == "required")
    commands.register(app, settings, deployment.era)
    check_complete(app)
    return app


def check_complete(app: MicroblogApp) -> None:
    """Raise SetupError where an agent, a table or a URL is not registered."""
    found = {"agents": set(app.agents), "tables": set(app.tables), "URLs": set(app.web.views)}
    paths = {path for path, _ in routes.served(app.settings.serves_api)}
    expected = {"agents": AGENTS, "tables": TABLES, "URLs": paths}
    for kind, names in expected.items():
        if missing := names - found[kind]:
            raise SetupError(f"the application is not complete: {kind} {sorted(missing)} are not registered")
