"""The search indexer: a Faust app of its own, ``faust -A microblog_streams.search worker``.

It reads the topics of posts and users in a consumer group of its own, so fan-out neither waits for the search engine
nor breaks with it. Delivery is that of the workers: acknowledged in order, after the engine has the document. What the
engine refuses for good becomes a dead letter; everything else is tried again for as long as it takes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, cast

from faust.app.base import BootStrategy
from mode import loop as event_loop
from mode.types import ServiceT

import agents.indexing
from microblog_streams import traces
from microblog_streams.bootstrap.faust_app import FaustApp
from microblog_streams.cluster_status.indexer_status import IndexerHealth, IndexerMetrics
from microblog_streams.cluster_status.worker_metrics import StreamingParts
from microblog_streams.config.settings import Settings
from microblog_streams.delivery.faust_patches import check_versions, kafka_client, transport
from microblog_streams.delivery.offset_acks import RedisRestartMonitor
from microblog_streams.delivery.processor_pool import ProcessorLimits, ProcessorPool
from microblog_streams.delivery.progress import commits, recovery
from microblog_streams.delivery.publisher import Publisher
from microblog_streams.domain import topics
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import SetupError
from microblog_streams.kafka.clients import client_options
from microblog_streams.metrics.store_calls import StoreCalls, measured
from microblog_streams.search.engine import Engine
from microblog_streams.search.engine_index import EngineIndex, PreparedIndex
from microblog_streams.search.indexer import Indexer
from microblog_streams.services.connections import BrokerGate, StoreConnections
from microblog_streams.services.deployment_watch import DeploymentWatch, choose_topic_set
from microblog_streams.services.worker_process import STOP_SECONDS, WorkerDirectory, end_within
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import get_deployment, last_deployment, remember
from microblog_streams.stores.postgres.migrations import MigratedPostgres
from web import routes

#: Effects that run at a time, by partition: enough for the next bulk request to gather while one is under way.
_WINDOW: Final = 512


@dataclass(frozen=True)
class IndexerServices:
    """The services of an indexer, and what they work on."""

    store_connections: StoreConnections
    deployment_watch: DeploymentWatch
    broker_gate: BrokerGate
    processor_pool: ProcessorPool
    indexer: Indexer
    calls: StoreCalls


@dataclass(frozen=True)
class IndexerBackend:
    """What the views of an indexer see."""

    health: IndexerHealth
    metrics: IndexerMetrics


class IndexerBootOrder(BootStrategy):
    """Faust's boot strategy with our services in their places."""

    def server(self) -> Iterable[ServiceT]:
        """Return the services in the order of their start; they stop in the reverse order."""
        services = cast("IndexerApp", self.app).services
        return self._chain(
            self.sensors(),
            [services.store_connections, services.deployment_watch],
            self.web_server(),
            [services.broker_gate],
            self.kafka_producer(),
            self.kafka_consumer(),
            self.agents(),
            self.kafka_conductor(),
            self.tables(),
        )


class IndexerApp(FaustApp):
    """The Faust app of the indexer."""

    BootStrategy = IndexerBootOrder

    services: IndexerServices

    async def on_first_start(self) -> None:
        """Lock the indexer's folder and check its port, then do what Faust does."""
        self.worker_directory = WorkerDirectory(self.settings, self.topic_set)
        await self.worker_directory.take()
        await super().on_first_start()

    async def on_stop(self) -> None:
        """Finish and acknowledge in-flight events, then stop as Faust does, all in bounded time."""
        end_within(STOP_SECONDS)
        await self.services.processor_pool.drain()
        self.heartbeat.leaving = True
        await super().on_stop()


def create_indexer(settings: Settings, deployment: Deployment | None = None) -> IndexerApp:
    """Build the indexer. Raises SetupError where the settings name no engine."""
    if not settings.has_search:
        raise SetupError("MICROBLOG_SEARCH_URL is empty: it must name the search engine")
    if settings.traces != "off":
        traces.check_installed()
    check_versions()
    kafka_client.patch_clients()
    event_loop.use("uvloop")
    settings = settings.model_copy(update={"roles": "streams"})
    deployment = deployment or last_deployment(settings)
    topic_set = choose_topic_set(settings, deployment)
    partitions = deployment.partitions_of(topic_set)
    app = IndexerApp(settings, topic_set, partitions, topics.search_id(topic_set))
    app.services = _services(app, deployment)
    agents.indexing.register(app, app.services.processor_pool, app.services.indexer)
    # The pages that it serves see its health and its metrics alone.
    routes.register_routes(app, cast(Any, _backend(app)), routes.INDEXER)
    return app


def _services(app: IndexerApp, deployment: Deployment) -> IndexerServices:
    settings, calls = app.settings, StoreCalls()
    postgres, engine = Postgres(settings, deployment.era), Engine(settings, required=True)
    index = EngineIndex(engine, settings.search_prefix)
    watch = _deployment_watch(app, deployment, postgres)
    publisher = Publisher(app, app.topic_of, watch, settings.publish_timeout)
    read = {app.topic_name(topic): app.conf.topic_partitions for topic in topics.SEARCHED}
    return IndexerServices(
        StoreConnections([MigratedPostgres(postgres), PreparedIndex(engine, index)]),
        watch,
        BrokerGate(client_options(settings), {**read, topics.DEAD_LETTERS: None}),
        _processor_pool(app, publisher),
        Indexer(measured(calls, engine.name, "index", index)),
        calls,
    )


def _deployment_watch(app: IndexerApp, deployment: Deployment, postgres: Postgres) -> DeploymentWatch:
    async def read_deployment() -> Deployment:
        await postgres.check_server()
        return await get_deployment(postgres)

    return DeploymentWatch(
        deployment,
        app.topic_set,
        ask=read_deployment,
        remember=lambda seen: remember(app.settings, seen),
        workers=lambda: (),
        name=app.settings.worker_name,
    )


def _processor_pool(app: IndexerApp, publisher: Publisher) -> ProcessorPool:
    async def nothing_to_confirm(_message: object) -> None:
        """Return: an indexer has no tables."""

    async def one_run() -> str:
        """Return the same always: the engine has synced what it has acknowledged."""
        return "engine"

    settings = app.settings
    pool = ProcessorPool(
        membership=app,
        heartbeat=app.heartbeat,
        redis_restart_monitor=RedisRestartMonitor(one_run, hold=0),
        # One document must not hold up all others: the index can be compared and repaired.
        limits=ProcessorLimits(max(settings.window, _WINDOW), settings.unacked, "dead-letter"),
        log=publisher,
        confirm=nothing_to_confirm,
        committed=lambda tp: transport.committed_offset(app, tp),
        first_offset=lambda tp: transport.first_offset(app, tp),
        rejoin=lambda reason: transport.rejoin(app, reason),
    )
    app.on_partitions_revoked.connect(pool.on_partitions_revoked, weak=False)
    return pool


def _backend(app: IndexerApp) -> IndexerBackend:
    settings, services = app.settings, app.services
    pool = services.processor_pool
    health = IndexerHealth(app, settings, services.store_connections, services.broker_gate, pool)
    info = {"worker": settings.worker_name, "version": version("microblog-streams"), "roles": "search"}
    streaming = StreamingParts(
        pool.counts,
        app.rebalance_clock,
        commits=lambda: commits(app),
        recovery=lambda: recovery(app),
        databases=dict,
    )
    metrics = IndexerMetrics(
        {**info, "generation": str(app.topic_set)}, health, services.indexer, streaming, services.calls
    )
    return IndexerBackend(health, metrics)
