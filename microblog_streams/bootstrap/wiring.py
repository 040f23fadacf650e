"""What the application is put together from: tables, stores with the operations on them, and delivery.

Each function adds its part to the app; ``create_app`` says in which order. Here stands which implementation is behind
each interface, and what is handed to whom.
"""

from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

import tables.followers
from microblog_streams.cluster_status import durability_checks
from microblog_streams.cluster_status.health import Health
from microblog_streams.cluster_status.local import LocalStatus
from microblog_streams.cluster_status.wiring import everywhere
from microblog_streams.cluster_status.worker_client import WorkerClient
from microblog_streams.config.faust_config import topic_partitions
from microblog_streams.dead_letters.operations import count_open
from microblog_streams.dead_letters.reader import letter_box
from microblog_streams.dead_letters.watch import DeadLetterWatch
from microblog_streams.delivery.faust_patches import transport
from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.delivery.processor_pool import ProcessorLimits, ProcessorPool
from microblog_streams.delivery.publisher import Publisher
from microblog_streams.delivery.redis_restart_monitor import RedisRestartMonitor
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.ids import encode_user
from microblog_streams.kafka.clients import client_options
from microblog_streams.kafka.consumer_lag import offsets
from microblog_streams.kafka.topic_states import topic_states
from microblog_streams.operations import Stores, operations
from microblog_streams.operations.follower_table_lookup import Rows
from microblog_streams.rate_limits.rate_limiter import RateLimiter
from microblog_streams.services.broker_gate import BrokerGate
from microblog_streams.services.caught_up import CaughtUp
from microblog_streams.services.clock_watch import ClockWatch
from microblog_streams.services.deployment_watch import DeploymentWatch
from microblog_streams.services.disk_watch import DiskWatch
from microblog_streams.services.durability_watch import DurabilityWatch
from microblog_streams.services.edge_audit import EdgeAudit
from microblog_streams.services.outbox_relay import OutboxRelay
from microblog_streams.services.periodic_task import PeriodicTask, sweeping
from microblog_streams.services.reconciler import Reconciler
from microblog_streams.services.row_republisher import RowRepublisher
from microblog_streams.services.store_connections import StoreConnections
from microblog_streams.services.worker_directory import WorkerDirectory
from microblog_streams.services.worker_presence import WorkerPresence
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.driver import Address
from microblog_streams.stores.cassandra.keyspace import keyspace_state
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.blocks import Blocks
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.credentials import Passwords, Tokens
from microblog_streams.stores.postgres.deployment import EdgeAudits, get_deployment
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.idempotency import Idempotency
from microblog_streams.stores.postgres.last_deployment import remember
from microblog_streams.stores.postgres.outbox import Outbox, OutboxSession
from microblog_streams.stores.postgres.resolved_letters import SettledLetters
from microblog_streams.stores.postgres.users import Users
from microblog_streams.stores.redis.caches import PageCache, PostCache, UserCache
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.rates import LocalRates, SharedRates
from microblog_streams.stores.redis.timeline_keys import TimelineCount
from microblog_streams.stores.redis.timelines import Timelines
from microblog_streams.stores.redis.worker_registry import WorkerRegistry

if TYPE_CHECKING:
    from microblog_streams.bootstrap.application import MicroblogApp


def add_tables(app: "MicroblogApp") -> None:
    """Declare the followers table, and the look-ups of its rows."""
    app.followers = tables.followers.register(app)
    partitions = app.conf.topic_partitions
    app.rows = Rows(
        app.followers, lambda author: partition_of(encode_user(author), partitions), app.settings.worker_name
    )


def add_stores(app: "MicroblogApp", deployment: Deployment) -> None:
    """Make the stores, the operations on them, and the services that look after them."""
    settings = app.settings
    postgres, cassandra, redis = Postgres(settings, deployment.era), Cassandra(settings), Redis(settings)
    app.postgres = postgres
    app.worker_presence = WorkerPresence(WorkerRegistry(redis), app.itself)
    app.worker_client = WorkerClient(lambda: app.http_client)
    app.deployment_watch = DeploymentWatch(
        deployment,
        app.topic_set,
        ask=lambda: _looked_up(postgres),
        remember=lambda seen: remember(settings, seen),
        workers=lambda: app.worker_presence.workers,
        name=settings.worker_name,
    )
    log = Publisher(app, app.topic_of, app.deployment_watch, settings.publish_timeout)
    stores = _stores(log, postgres, cassandra, redis, app.followers, settings.name_hold_days)
    _add_operations(app, stores, redis, postgres)
    app.redis = redis
    app.store_connections = StoreConnections([postgres, cassandra, redis])
    app.outbox = Outbox(postgres)
    settled = SettledLetters(postgres)
    app.dead_letters = DeadLetterWatch(lambda: letter_box(settings), lambda box: count_open(box, settled))
    app.clock_watch = ClockWatch(postgres.server_time, settings.clock_limit)
    app.durability_watch = _parts_watch(app, cassandra)
    app.outbox_relay = OutboxRelay(log, lambda: OutboxSession(postgres))
    audits = EdgeAudits(postgres)
    app.edge_audit = EdgeAudit(
        audits,
        compare=app.operations.losses.partition,
        mine=app.partitions_in_full,
        seen=lambda: (app.deployment_watch.deployment, postgres.era),
        generation=app.topic_set,
    )
    caught_up = CaughtUp(app.outbox, lambda: get_deployment(postgres), lambda: offsets(settings), audits.complete)
    interval = settings.reconcile_interval
    app.reconciler = Reconciler(app.operations.audit, stores.users.draw, caught_up.settle, interval)
    app.redis_restart_monitor = RedisRestartMonitor(stores.timelines.run_id, settings.ack_hold)
    app.local_status = LocalStatus(app)
    app.status_collector = everywhere(app, app.local_status, TimelineCount(redis))


def _parts_watch(app: "MicroblogApp", cassandra: Cassandra) -> DurabilityWatch:
    settings = app.settings
    names = list(topic_partitions(app.topic_set, app.conf.topic_partitions))

    async def topics() -> list[str]:
        return list(durability_checks.of_topics(settings, await topic_states(settings, names)))

    async def keyspace() -> list[str]:
        state = await keyspace_state(cassandra, Address.of(settings).keyspace)
        return list(durability_checks.of_keyspace(settings, state))

    return DurabilityWatch({"kafka": topics, "cassandra": keyspace})


async def _looked_up(postgres: Postgres) -> Deployment:
    await postgres.look()
    return await get_deployment(postgres)


def _stores(
    log: Publisher,
    postgres: Postgres,
    cassandra: Cassandra,
    redis: Redis,
    followers: tables.followers.FollowersTable,
    hold_days: int,
) -> Stores:
    return Stores(
        log=log,
        users=Users(postgres, hold_days),
        follows=Follows(postgres),
        blocks=Blocks(postgres),
        idempotency=Idempotency(postgres),
        tokens=Tokens(postgres),
        passwords=Passwords(postgres),
        posts=Posts(cassandra),
        timelines=Timelines(redis),
        post_cache=PostCache(redis),
        user_cache=UserCache(redis, lambda: postgres.era.number),
        shelf=PageCache(redis, lambda: postgres.era.number),
        followers=followers,
    )


def _add_operations(app: "MicroblogApp", stores: Stores, redis: Redis, postgres: Postgres) -> None:
    settings = app.settings
    life = timedelta(days=settings.token_days)
    app.operations = operations(stores, life, settings.max_followees, lambda: postgres.era)
    app.rates = SharedRates(redis)
    app.rate_limiter = RateLimiter(settings, app.rates, LocalRates())
    app.periodic_tasks = [
        PeriodicTask("sweep_keys", sweeping(stores.idempotency.sweep)),
        PeriodicTask("sweep_tokens", sweeping(stores.tokens.sweep)),
        PeriodicTask("note_token_uses", app.operations.tokens.note_used),
    ]


def add_delivery(app: "MicroblogApp") -> None:
    """Make what delivers events, and what may stop a worker from doing so."""
    settings = app.settings
    app.worker_directory = WorkerDirectory(settings, app.topic_set)
    app.disk_watch = DiskWatch(settings.worker_dir)
    app.health = Health(app)
    app.broker_gate = BrokerGate(client_options(settings), topic_partitions(app.topic_set, app.conf.topic_partitions))
    table = app.followers.table
    app.processor_pool = ProcessorPool(
        membership=app,
        heartbeat=app.heartbeat,
        redis_restart_monitor=app.redis_restart_monitor,
        terms=ProcessorLimits(settings.window, settings.unacked, settings.on_failure),
        log=app.operations.posts.log,
        confirm=table.confirm,
        committed=lambda tp: transport.committed_offset(app, tp),
        first_offset=lambda tp: transport.first_offset(app, tp),
        rejoin=lambda reason: transport.rejoin(app, reason),
    )
    app.on_partitions_revoked.connect(app.processor_pool.let_go, weak=False)
    app.on_partitions_assigned.connect(table.forget, weak=False)
    app.row_republisher = RowRepublisher(
        table.stale_rows,
        republish=lambda keys: app.operations.follows.store.republish(app.followers.edges(keys)),
        in_good_standing=lambda: not app.rebalancing and monotonic() < app.heartbeat.deadline,
    )
