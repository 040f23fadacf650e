"""Which parts of the application the metrics look at."""

import asyncio
from importlib.metadata import version

from microblog_streams.bootstrap.faust_app import FaustApp
from microblog_streams.bootstrap.services import Services
from microblog_streams.bootstrap.stores import Stores
from microblog_streams.bootstrap.streaming import Streaming
from microblog_streams.cluster_status.health import PING_SECONDS, Health
from microblog_streams.cluster_status.worker_metrics import StoreParts, StreamingParts, WorkerMetrics
from microblog_streams.delivery.progress import commits, recovery
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.operations import Operations
from microblog_streams.stores.postgres.outbox import Outbox


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
        outbox_age=lambda: _outbox_age(stores.in_postgres.outbox),
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


async def _outbox_age(outbox: Outbox) -> float | None:
    """Return the age of the oldest event in seconds, 0 where there is none, None where PostgreSQL does not answer."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            return await outbox.age() or 0.0
    except (StoreUnavailable, TimeoutError):
        return None
