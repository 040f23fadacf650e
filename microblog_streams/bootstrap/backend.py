"""What the web views call: operations, rate limits, metrics, and what this worker knows of itself and of the others."""

from dataclasses import dataclass
from importlib.metadata import version

from microblog_streams.bootstrap.faust_app import FaustApp
from microblog_streams.bootstrap.services import Services
from microblog_streams.bootstrap.stores import Stores
from microblog_streams.bootstrap.streaming import Streaming
from microblog_streams.cluster_status.collector import StatusCollector
from microblog_streams.cluster_status.health import Health, LocalStatus
from microblog_streams.cluster_status.models import OutboxLine, TimelinesLine
from microblog_streams.cluster_status.worker_client import Reports
from microblog_streams.cluster_status.worker_metrics import StoreParts, StreamingParts, WorkerMetrics
from microblog_streams.config.settings import Settings
from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.delivery.progress import commits, recovery
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.ids import encode_user
from microblog_streams.domain.topics import SOURCES, app_id, topic_name
from microblog_streams.kafka.consumer_lag import Lags, offsets
from microblog_streams.operations import Operations
from microblog_streams.operations.follows import FollowerRows
from microblog_streams.operations.rate_limits import RateLimiter
from microblog_streams.search.find import Search
from microblog_streams.stores.postgres.outbox import Outbox
from microblog_streams.stores.redis.rates import LocalRates
from microblog_streams.stores.redis.timeline_keys import TimelineCount


@dataclass(frozen=True)
class WebBackend:
    """The parts that views and middlewares see (``web.api.view.Application``)."""

    settings: Settings
    operations: Operations
    search: Search
    rate_limiter: RateLimiter
    health: Health
    metrics: WorkerMetrics
    rows: FollowerRows
    local_status: LocalStatus
    status_collector: StatusCollector


def build_backend(
    app: FaustApp, stores: Stores, operations: Operations, streaming: Streaming, services: Services
) -> WebBackend:
    """Return what ``web.routes.register`` gives to the views."""
    settings, partitions = app.settings, app.conf.topic_partitions
    rate_limiter = RateLimiter(settings, stores.in_redis.rates, LocalRates())
    health = _health(app, stores, streaming, services, rate_limiter)
    local_status = LocalStatus(settings.worker_name, health, streaming.followers.table)
    return WebBackend(
        settings,
        operations,
        build_search(stores, operations),
        rate_limiter,
        health,
        build_metrics(app, stores, operations, streaming, services, health),
        FollowerRows(
            streaming.followers, lambda author: partition_of(encode_user(author), partitions), settings.worker_name
        ),
        local_status,
        _status_collector(app, stores, services, local_status),
    )


def build_search(stores: Stores, operations: Operations) -> Search:
    """Return the searches; without an engine they raise SearchOff."""
    users, names = operations.users, stores.in_postgres.users
    return Search(stores.search_index, users, names, stores.in_postgres.blocks, operations.posts.hydration)


def _health(
    app: FaustApp, stores: Stores, streaming: Streaming, services: Services, rate_limiter: RateLimiter
) -> Health:
    return Health(
        app=app,
        settings=app.settings,
        heartbeat=app.heartbeat,
        postgres=stores.postgres,
        redis=stores.redis,
        outbox=stores.in_postgres.outbox,
        store_connections=services.store_connections,
        broker_gate=services.broker_gate,
        disk_watch=services.disk_watch,
        clock_watch=services.clock_watch,
        durability_watch=services.durability_watch,
        dead_letter_watch=services.dead_letter_watch,
        outbox_relay=services.outbox_relay,
        reconciler=services.reconciler,
        processor_pool=streaming.processor_pool,
        stale_rows=streaming.followers.table.stale_rows,
        rate_limiter=rate_limiter,
    )


def _status_collector(app: FaustApp, stores: Stores, services: Services, local_status: LocalStatus) -> StatusCollector:
    settings, cluster = app.settings, services.cluster
    return StatusCollector(
        itself=app.itself,
        workers=lambda: cluster.worker_presence.workers,
        report=Reports(app.itself, local_status, app.worker_client, settings.admin_token).of,
        deployment=lambda: cluster.deployment_watch.deployment,
        lags=lambda deployment: _lags(settings, deployment),
        outbox=lambda: _outbox(stores.in_postgres.outbox),
        timelines=lambda: _timelines(stores.in_redis.timeline_count),
        dead_letters=lambda: services.dead_letter_watch.open,
    )


async def _lags(settings: Settings, deployment: Deployment) -> Lags:
    """Return the lags from Kafka. Connects for each call: the page is opened rarely."""
    lags: dict[tuple[str, int], int] = {}
    async with offsets(settings) as kafka:
        for generation in deployment.open_generations:
            names = [topic_name(logical, generation) for logical in SOURCES]
            lags |= await kafka.lags(app_id(generation), names, deployment.partitions_of(generation))
    return lags


async def _outbox(outbox: Outbox) -> OutboxLine:
    return OutboxLine(depth=await outbox.count(), oldest_seconds=await outbox.age())


async def _timelines(count: TimelineCount) -> TimelinesLine:
    warm = await count.warm()
    return TimelinesLine(warm=warm.timelines, exact=warm.exact, looked_at=warm.looked_at)


def build_metrics(
    app: FaustApp, stores: Stores, operations: Operations, streaming: Streaming, services: Services, health: Health
) -> WorkerMetrics:
    """Return the metrics of the worker."""
    settings = app.settings
    info = {"worker": settings.worker_name, "version": version("microblog-streams"), "roles": settings.roles}
    return WorkerMetrics(
        {**info, "generation": str(app.topic_set)},
        health,
        operations,
        _store_parts(stores, streaming),
        None if app.producer_only else _streaming_parts(app, streaming),
        services.reconciler,
        services.edge_audit,
        services.loop_watch,
    )


def _store_parts(stores: Stores, streaming: Streaming) -> StoreParts:
    return StoreParts(
        stores.calls,
        stores.in_redis.timelines.counts,
        circuits=lambda: {
            stores.postgres.name: stores.postgres.circuit,
            stores.cassandra.name: stores.cassandra.circuit,
            stores.redis.name: stores.redis.circuit,
            "rates": stores.in_redis.rates.circuit,
        },
        renewals=lambda: stores.redis.renewals,
        failed_pipelines=lambda: stores.redis.failed_pipelines,
        redis_runs=lambda: streaming.redis_restart_monitor.run,
    )


def _streaming_parts(app: FaustApp, streaming: Streaming) -> StreamingParts:
    return StreamingParts(
        streaming.processor_pool.counts,
        app.rebalance_clock,
        commits=lambda: commits(app),
        recovery=lambda: recovery(app),
        databases=lambda: streaming.followers.table.databases,
    )
