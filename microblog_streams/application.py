"""The composition root: the one place where the application is put together.

``create_app`` makes the stores, the operations on them, the delivery that makes Faust safe, and mounts tables, agents,
URLs and commands by their ``register`` functions: no autodiscovery, so a broken module stops the start.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic

import faust
from faust.types import TopicT, TransportT
from mode import loop as event_loop

import agents
import tables.followers
from microblog_streams import commands, topics
from microblog_streams.boot import Boot
from microblog_streams.configuration import app_id, changelog_name, configuration, topic_partitions
from microblog_streams.delivery.deliveries import Deliveries, Terms
from microblog_streams.delivery.lease import Pulse
from microblog_streams.delivery.publisher import Publisher
from microblog_streams.delivery.steadiness import Steadiness
from microblog_streams.delivery.upstream import check_versions, connection, transport
from microblog_streams.delivery.upstream.router import partition_of
from microblog_streams.errors import SetupError
from microblog_streams.health import Health
from microblog_streams.ids import encode_user
from microblog_streams.logs import quieten
from microblog_streams.operations import Operations, Stores, operations
from microblog_streams.operations.budgets import Budgets
from microblog_streams.operations.dead_letters import count_open
from microblog_streams.operations.rows import Rows
from microblog_streams.overview.everywhere import Everywhere
from microblog_streams.overview.here import Here
from microblog_streams.overview.wiring import everywhere
from microblog_streams.services.broker import BrokerGate
from microblog_streams.services.caught_up import CaughtUp
from microblog_streams.services.chore import Chore, sweeping
from microblog_streams.services.connections import Connections
from microblog_streams.services.dead_letter_watch import DeadLetterWatch
from microblog_streams.services.disk import Disk
from microblog_streams.services.generations import Generations, choose_generation
from microblog_streams.services.kafka_clients import client_options
from microblog_streams.services.lag import offsets
from microblog_streams.services.letter_box import letter_box
from microblog_streams.services.peers import Peers
from microblog_streams.services.presence import Presence
from microblog_streams.services.reconciler import Reconciler
from microblog_streams.services.relay import OutboxRelay
from microblog_streams.services.restater import Restater
from microblog_streams.services.workplace import Workplace
from microblog_streams.settings import Settings
from microblog_streams.stores.blocks import Blocks
from microblog_streams.stores.caches import PostCache, UserCache
from microblog_streams.stores.cassandra import Cassandra
from microblog_streams.stores.census import Census
from microblog_streams.stores.deployment import Deployment, get_deployment
from microblog_streams.stores.follows import Follows
from microblog_streams.stores.glances import Glances
from microblog_streams.stores.idempotency import Idempotency
from microblog_streams.stores.last_deployment import last_deployment, remember
from microblog_streams.stores.outbox import Outbox
from microblog_streams.stores.outbox_session import OutboxSession
from microblog_streams.stores.passwords import Passwords
from microblog_streams.stores.postgres import Postgres
from microblog_streams.stores.posts import Posts
from microblog_streams.stores.rates import LocalRates, SharedRates
from microblog_streams.stores.redis import Redis
from microblog_streams.stores.roster import Roster, Worker
from microblog_streams.stores.settled_letters import SettledLetters
from microblog_streams.stores.timelines import Timelines
from microblog_streams.stores.tokens import Tokens
from microblog_streams.stores.users import Users
from web import routes
from web.edge.driver import GuardedWeb
from web.edge.limits import Limits

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
    budgets: Budgets
    deliveries: Deliveries
    health: Health
    connections: Connections
    redis: Redis
    workplace: Workplace
    disk: Disk
    broker_gate: BrokerGate
    steadiness: Steadiness
    presence: Presence
    generations: Generations
    relay: OutboxRelay
    restater: Restater
    reconciler: Reconciler
    outbox: Outbox
    dead_letters: DeadLetterWatch
    chores: Sequence[Chore]
    followers: tables.followers.FollowersTable
    rows: Rows
    peers: Peers
    here: Here
    everywhere: Everywhere
    pulse: Pulse

    def __init__(self, settings: Settings, generation: int, partitions: int) -> None:
        """Configure Faust; ``create_app`` adds the rest."""
        super().__init__(app_id(generation), **configuration(settings, generation, partitions))
        self.settings = settings
        # Outside the group: a member without agents would break the co-partitioning of the others.
        self.producer_only = settings.roles == "web"
        self.generation = generation
        self.began = datetime.now(UTC)
        self._published: dict[str, TopicT] = {}
        self.pulse = Pulse(settings.session_timeout)

    def topic_name(self, logical: str) -> str:
        """Return a topic's name in Kafka."""
        return topics.topic_name(logical, self.generation)

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
        return changelog_name(self.generation)

    def itself(self) -> Worker:
        """Return what the other workers should know of this one."""
        settings, changelog = self.settings, self.changelog_name()
        mine = () if self.producer_only or self.rebalancing else self.assignor.assigned_actives()
        partitions = sorted(tp.partition for tp in mine if tp.topic == changelog)
        return Worker(
            settings.worker_name, settings.own_url, settings.roles, tuple(partitions), self.generation, self.began
        )

    def _new_transport(self) -> TransportT:
        mended = transport.MendedTransport(self.conf.broker_consumer, self)
        mended.pulse = self.pulse
        return mended

    def _new_web(self) -> GuardedWeb:
        return GuardedWeb(self, Limits.of(self.settings))

    def on_rebalance_end(self) -> None:
        """Be ready as Faust is, fetch as a worker that is, and say so."""
        super().on_rebalance_end()
        transport.be_ready(self)
        self.presence.changed()

    async def on_first_start(self) -> None:
        """Take folder and port, then make the folders below, as Faust does."""
        if self.settings.auth == "open" and self.settings.serves_api:
            logger.warning("open_to_all MICROBLOG_AUTH=open lets everybody on this machine act as anybody")
        await self.workplace.take()
        await super().on_first_start()

    async def on_stop(self) -> None:
        """Finish and acknowledge what is under way, end rebuilds, then stop as Faust does."""
        await self.deliveries.drain()
        await self.operations.timelines.close()
        self.rates.close()
        self.pulse.leaving = True
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
    _add_tables(app)
    _add_stores(app, deployment)
    _add_delivery(app)
    agents.register(app)
    routes.register(app, settings.serves_api, settings.auth == "required")
    commands.register(app)
    check_complete(app)
    return app


def _add_tables(app: MicroblogApp) -> None:
    app.followers = tables.followers.register(app)
    partitions = app.conf.topic_partitions
    app.rows = Rows(
        app.followers, lambda author: partition_of(encode_user(author), partitions), app.settings.worker_name
    )


def _add_stores(app: MicroblogApp, deployment: Deployment) -> None:
    settings = app.settings
    postgres, cassandra, redis = Postgres(settings), Cassandra(settings), Redis(settings)
    app.presence = Presence(Roster(redis), app.itself)
    app.peers = Peers(lambda: app.http_client)
    app.generations = Generations(
        deployment,
        app.generation,
        ask=lambda: get_deployment(postgres),
        remember=lambda seen: remember(settings, seen),
        workers=lambda: app.presence.workers,
        name=settings.worker_name,
    )
    log = Publisher(app, app.topic_of, app.generations, settings.publish_timeout)
    stores = Stores(
        log=log,
        users=Users(postgres),
        follows=Follows(postgres),
        blocks=Blocks(postgres),
        idempotency=Idempotency(postgres),
        tokens=Tokens(postgres),
        passwords=Passwords(postgres),
        posts=Posts(cassandra),
        timelines=Timelines(redis),
        glances=Glances(redis),
        post_cache=PostCache(redis),
        user_cache=UserCache(redis),
        followers=app.followers,
    )
    app.operations = operations(stores, timedelta(days=settings.token_days), settings.max_followees)
    app.rates = SharedRates(redis)
    app.budgets = Budgets(settings, app.rates, LocalRates())
    app.redis = redis
    app.connections = Connections([postgres, cassandra, redis])
    app.outbox = Outbox(postgres)
    settled = SettledLetters(postgres)
    app.dead_letters = DeadLetterWatch(lambda: letter_box(settings), lambda box: count_open(box, settled))
    app.chores = [
        Chore("sweep_keys", sweeping(stores.idempotency.sweep)),
        Chore("sweep_tokens", sweeping(stores.tokens.sweep)),
        Chore("note_token_uses", app.operations.tokens.note_used),
    ]
    app.relay = OutboxRelay(app.outbox, log, lambda: OutboxSession(postgres))
    caught_up = CaughtUp(app.outbox, lambda: get_deployment(postgres), lambda: offsets(settings))
    interval = settings.reconcile_interval
    app.reconciler = Reconciler(app.operations.audit, stores.users.draw, caught_up.settle, interval)
    app.steadiness = Steadiness(stores.timelines.run_id, settings.ack_hold)
    app.here = Here(app)
    app.everywhere = everywhere(app, app.here, Census(redis))


def _add_delivery(app: MicroblogApp) -> None:
    settings = app.settings
    app.workplace = Workplace(settings, app.generation)
    app.disk = Disk(settings.worker_dir)
    app.health = Health(app)
    app.broker_gate = BrokerGate(client_options(settings), topic_partitions(app.generation, app.conf.topic_partitions))
    table = app.followers.table
    app.deliveries = Deliveries(
        membership=app,
        pulse=app.pulse,
        steadiness=app.steadiness,
        terms=Terms(settings.window, settings.unacked, settings.on_failure),
        log=app.operations.posts.log,
        confirm=table.confirm,
        committed=lambda tp: transport.committed_offset(app, tp),
        first_offset=lambda tp: transport.first_offset(app, tp),
        rejoin=lambda reason: transport.rejoin(app, reason),
    )
    app.on_partitions_assigned.connect(table.forget, weak=False)
    app.restater = Restater(
        table.doubts,
        republish=lambda keys: app.operations.follows.store.republish(app.followers.edges(keys)),
        in_good_standing=lambda: not app.rebalancing and monotonic() < app.pulse.deadline,
    )


def check_complete(app: MicroblogApp) -> None:
    """Raise SetupError where an agent, a table or a URL is not registered."""
    found = {"agents": set(app.agents), "tables": set(app.tables), "URLs": set(app.web.views)}
    paths = {path for path, _ in routes.served(app.settings.serves_api)}
    expected = {"agents": AGENTS, "tables": TABLES, "URLs": paths}
    for kind, names in expected.items():
        if missing := names - found[kind]:
            raise SetupError(f"the application is not complete: {kind} {sorted(missing)} are not registered")
