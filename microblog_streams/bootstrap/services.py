"""The background services of a worker, and the order in which they start.

Store connections (made in the background) and the web server start first, so a worker runs and answers while a store
is unavailable. Then come the services that wait for disk space, for Kafka and for its topics, and those that need
them.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from faust.app import BootStrategy
from mode.types import ServiceT

from microblog_streams.bootstrap.faust_app import FaustApp
from microblog_streams.bootstrap.stores import Stores
from microblog_streams.bootstrap.streaming import Streaming
from microblog_streams.cluster_status import durability_checks
from microblog_streams.config.settings import Settings
from microblog_streams.dead_letters.kafka import dead_letter_reader
from microblog_streams.dead_letters.operations import DeadLetterWatch, count_open
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.topics import topic_partitions
from microblog_streams.kafka.clients import client_options
from microblog_streams.kafka.consumer_lag import CaughtUp, offsets
from microblog_streams.kafka.topics import topic_states
from microblog_streams.operations import Operations
from microblog_streams.ports import Connection
from microblog_streams.services.audits import EdgeAudit, Reconciler
from microblog_streams.services.connections import BrokerGate, StoreConnections
from microblog_streams.services.deployment_watch import DeploymentWatch
from microblog_streams.services.health_watches import ClockWatch, DurabilityWatch
from microblog_streams.services.outbox_relay import OutboxRelay
from microblog_streams.services.periodic_tasks import LoopWatch, PeriodicTask, WorkerPresence, sweeping
from microblog_streams.services.worker_process import DiskWatch
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.driver import Address
from microblog_streams.stores.cassandra.keyspace import keyspace_state
from microblog_streams.stores.postgres.deployment import get_deployment, remember
from microblog_streams.stores.postgres.migrations import MigratedPostgres
from microblog_streams.stores.postgres.outbox import OutboxSession


@dataclass(frozen=True)
class ClusterServices:
    """What this worker and the others know of each other, and of the deployment; made before the rest."""

    worker_presence: WorkerPresence
    deployment_watch: DeploymentWatch


@dataclass(frozen=True)
class Services:
    """All services but those of delivery."""

    cluster: ClusterServices
    store_connections: StoreConnections
    broker_gate: BrokerGate
    disk_watch: DiskWatch
    clock_watch: ClockWatch
    loop_watch: LoopWatch
    durability_watch: DurabilityWatch
    dead_letter_watch: DeadLetterWatch
    outbox_relay: OutboxRelay
    edge_audit: EdgeAudit
    reconciler: Reconciler
    periodic_tasks: Sequence[PeriodicTask]


def build_cluster_services(app: FaustApp, stores: Stores, deployment: Deployment) -> ClusterServices:
    """Return the services that announce this worker and follow the deployment, which was read before the start."""
    settings, postgres = app.settings, stores.postgres
    presence = WorkerPresence(stores.in_redis.worker_registry, app.itself)

    async def read_deployment() -> Deployment:
        await postgres.check_server()
        return await get_deployment(postgres)

    watch = DeploymentWatch(
        deployment,
        app.topic_set,
        ask=read_deployment,
        remember=lambda seen: remember(settings, seen),
        workers=lambda: presence.workers,
        name=settings.worker_name,
    )
    return ClusterServices(presence, watch)


def build_services(
    app: FaustApp, stores: Stores, operations: Operations, streaming: Streaming, cluster: ClusterServices
) -> Services:
    """Return the services, none of them started."""
    settings, postgres = app.settings, stores.postgres
    topics = topic_partitions(app.topic_set, app.conf.topic_partitions)
    connections: list[Connection] = [MigratedPostgres(postgres), stores.cassandra, stores.redis]
    if stores.engine:
        connections.append(stores.engine)
    store_connections = StoreConnections(connections)
    broker_gate = BrokerGate(client_options(settings), topics)
    reached = {**store_connections.connected, "kafka": broker_gate.open}
    return Services(
        cluster,
        store_connections=store_connections,
        broker_gate=broker_gate,
        disk_watch=DiskWatch(settings.worker_dir),
        clock_watch=ClockWatch(postgres.server_time, settings.clock_limit),
        loop_watch=LoopWatch(),
        durability_watch=_durability_watch(settings, list(topics), stores.cassandra, reached),
        dead_letter_watch=_dead_letter_watch(settings, stores),
        outbox_relay=OutboxRelay(streaming.publisher, lambda: OutboxSession(postgres)),
        edge_audit=_edge_audit(app, stores, operations, cluster.deployment_watch),
        reconciler=_reconciler(settings, stores, operations),
        periodic_tasks=_periodic_tasks(stores, operations),
    )


def _durability_watch(
    settings: Settings, topics: Sequence[str], cassandra: Cassandra, reached: Mapping[str, asyncio.Event]
) -> DurabilityWatch:
    async def check_topics() -> list[str]:
        return list(durability_checks.of_topics(settings, await topic_states(settings, topics)))

    async def check_keyspace() -> list[str]:
        state = await keyspace_state(cassandra, Address.of(settings).keyspace)
        return list(durability_checks.of_keyspace(settings, state))

    return DurabilityWatch({"kafka": check_topics, "cassandra": check_keyspace}, reached)


def _dead_letter_watch(settings: Settings, stores: Stores) -> DeadLetterWatch:
    resolved = stores.in_postgres.resolved_letters
    return DeadLetterWatch(lambda: dead_letter_reader(settings), lambda reader: count_open(reader, resolved))


def _edge_audit(app: FaustApp, stores: Stores, operations: Operations, deployment_watch: DeploymentWatch) -> EdgeAudit:
    return EdgeAudit(
        stores.in_postgres.edge_audits,
        compare=operations.lost_commits.partition,
        mine=app.partitions_in_full,
        seen=lambda: (deployment_watch.deployment, stores.postgres.era),
        topic_set=app.topic_set,
    )


def _reconciler(settings: Settings, stores: Stores, operations: Operations) -> Reconciler:
    caught_up = CaughtUp(
        stores.in_postgres.outbox,
        lambda: get_deployment(stores.postgres),
        lambda: offsets(settings),
        stores.in_postgres.edge_audits.complete,
    )
    draw = stores.in_postgres.users.draw
    return Reconciler(operations.audit, draw, caught_up.wait_until_caught_up, settings.reconcile_interval)


def _periodic_tasks(stores: Stores, operations: Operations) -> Sequence[PeriodicTask]:
    return [
        PeriodicTask("sweep_keys", sweeping(stores.in_postgres.idempotency.sweep)),
        PeriodicTask("sweep_tokens", sweeping(stores.in_postgres.tokens.sweep)),
        PeriodicTask("sweep_follow_counts", sweeping(stores.in_postgres.profiles.sweep)),
        PeriodicTask("note_token_uses", operations.tokens.note_used),
    ]


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
    watches = [services.dead_letter_watch, services.durability_watch, services.clock_watch, services.loop_watch]
    return [
        cluster.worker_presence,
        cluster.deployment_watch,
        app.streaming.redis_restart_monitor,
        *watches,
        *services.periodic_tasks,
    ]
