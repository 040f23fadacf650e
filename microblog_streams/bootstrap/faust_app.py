"""A Faust app in one topic set: its configuration from our settings alone, its topics and its worker.

The parts of the application are built on this class; ``application.MicroblogApp`` holds them. A value of the
configuration that differs from Faust's default has its reason beside it.
"""

import gc
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Protocol, cast

import faust
from faust.cli.base import DEFAULT_LOGLEVEL, AppCommand
from faust.types import AppT, TopicT, TransportT
from yarl import URL

from microblog_streams import traces
from microblog_streams.cluster_status.worker_client import WorkerClient
from microblog_streams.config.addresses import bracket_host
from microblog_streams.config.settings import Settings, exit_with_error
from microblog_streams.delivery.faust_patches import transport
from microblog_streams.delivery.faust_patches.changelog import ConfirmedTable
from microblog_streams.delivery.faust_patches.recovery import PatchedTableManager
from microblog_streams.delivery.faust_patches.router import EdgeRouter
from microblog_streams.delivery.faust_patches.transport import PatchedTopic
from microblog_streams.delivery.lease import Heartbeat
from microblog_streams.delivery.progress import RebalanceClock
from microblog_streams.domain import topics
from microblog_streams.domain.errors import SetupError
from microblog_streams.domain.topics import MAX_RECORD_BYTES
from microblog_streams.kafka.clients import brokers, credentials
from microblog_streams.logs import output
from microblog_streams.services.worker_process import tables_dir
from microblog_streams.stores.redis.worker_registry import Worker
from web import routes
from web.middlewares.cors import CorsPolicy
from web.server.limits import Limits
from web.server.server import GuardedWeb


def freeze_heap() -> None:
    """Collect garbage once, and exempt the objects that remain. To be called once, when the worker has started.

    A full collection visits every object, and a worker has hundreds of thousands of them before its first request:
    each collection stopped the event loop for some 80 ms, several times in a few seconds of load.
    """
    gc.collect()
    gc.freeze()


class FaustApp(faust.App):
    """Faust, with our transport and web server."""

    def __init__(self, settings: Settings, topic_set: int, partitions: int, app_id: str | None = None) -> None:
        """Configure Faust for the topic set ``topic_set``, whose topics have so many partitions.

        ``app_id`` names the consumer group, by default that of the workers.
        """
        super().__init__(app_id or topics.app_id(topic_set), **configuration(settings, topic_set, partitions))
        self.settings = settings
        # Outside the group: a member without agents would break the co-partitioning of the others.
        self.producer_only = settings.roles == "web"
        self.topic_set = topic_set
        self.heartbeat = Heartbeat(settings.session_timeout)
        self.rebalance_clock = RebalanceClock()
        self.worker_client = WorkerClient(lambda: self.http_client)
        self._began = datetime.now(UTC)
        self._published: dict[str, TopicT] = {}

    async def on_started(self) -> None:
        """Finish the start as Faust does, then freeze the heap."""
        await super().on_started()
        freeze_heap()

    def topic_name(self, logical: str) -> str:
        """Return a topic's name in Kafka."""
        return topics.topic_name(logical, self.topic_set)

    def stream_of(self, *logical: str) -> TopicT:
        """Return topics as one channel of raw bytes: ``deliver`` validates them, so that no invalid record is lost."""
        return self._raw(*map(self.topic_name, logical))

    def topic_of(self, logical: str, topic_set: int) -> TopicT:
        """Return a topic to publish on. Topics are kept: there are few, and each is made once."""
        name = topics.topic_name(logical, topic_set)
        if name not in self._published:
            self._published[name] = self._raw(name)
        return self._published[name]

    def _raw(self, *names: str) -> TopicT:
        return self.topic(*names, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    def command(self, *options: Any, base: type[AppCommand] | None = None, **kwargs: Any) -> Any:  # noqa: ANN401
        """Return Faust's decorator for commands, whose log lines are the worker's."""
        return super().command(*options, base=base or LoggedCommand, **kwargs)

    def changelog_name(self) -> str:
        """Return the name of the follower table's changelog topic in Kafka."""
        return topics.changelog_name(self.topic_set)

    def itself(self) -> Worker:
        """Return what this worker announces: its URL, its roles and its partitions at this moment."""
        settings, partitions = self.settings, self._partitions()
        return Worker(settings.worker_name, settings.own_url, settings.roles, partitions, self.topic_set, self._began)

    def _partitions(self) -> tuple[int, ...]:
        changelog = self.changelog_name()
        owned = () if self.producer_only or self.rebalancing else self.assignor.assigned_actives()
        return tuple(sorted(tp.partition for tp in owned if tp.topic == changelog))

    async def on_first_start(self) -> None:
        """Turn traces on, where they are wanted, and do what Faust does."""
        if self.settings.traces != "off":
            traces.start(self.settings.worker_name)
        await super().on_first_start()

    async def on_shutdown(self) -> None:
        """Send the last spans, once all services have stopped."""
        await super().on_shutdown()
        await traces.stop()

    def partitions_in_full(self) -> tuple[int, ...]:
        """Return the partitions of which this worker has all rows: none while it recovers them."""
        return self._partitions() if self.tables.actives_ready else ()

    def on_rebalance_start(self) -> None:
        """Do what Faust does, and note the time."""
        self.rebalance_clock.begin()
        super().on_rebalance_start()

    def on_rebalance_end(self) -> None:
        """Do what Faust does, then fetch with full waits again."""
        super().on_rebalance_end()
        self.rebalance_clock.end()
        transport.be_ready(self)

    def _new_transport(self) -> TransportT:
        patched = transport.PatchedTransport(self.conf.broker_consumer, self)
        patched.heartbeat = self.heartbeat
        return patched

    def _new_web(self) -> GuardedWeb:
        return GuardedWeb(self, Limits.of(self.settings), CorsPolicy(self.settings.cors_origins))


def configuration(settings: Settings, topic_set: int, partitions: int) -> dict[str, Any]:
    """Return the keyword arguments of ``faust.App``."""
    in_topic_set = {"datadir": tables_dir(settings.worker_dir, topic_set), "topic_partitions": partitions}
    return in_topic_set | _app(settings) | _group(settings) | _producer(settings) | _web(settings)


def _app(settings: Settings) -> dict[str, Any]:
    return {
        # By default, environment variables (PRODUCER_ACKS, WEB_BIND, BROKER_URL) override the values given here.
        "env": {},
        "broker": brokers(settings),
        "broker_credentials": credentials(settings),
        "store": URL("rocksdb://"),
        "autodiscover": False,
        "topic_replication_factor": settings.replication_factor,
        "table_standby_replicas": settings.standby_replicas,
        "TableManager": PatchedTableManager,
        "Table": ConfirmedTable,
        "Topic": PatchedTopic,
        "Router": EdgeRouter,
        "Worker": MicroblogWorker,
        # After a rebalance, unacknowledged events are read again: to wait for them, as Faust does, would never end.
        "stream_wait_empty": False,
        "stream_recovery_delay": 0.0,
    }


def _group(settings: Settings) -> dict[str, Any]:
    return {
        "broker_session_timeout": settings.session_timeout,
        "broker_heartbeat_interval": settings.heartbeat_interval,
        "broker_request_timeout": max(20.0, 2 * settings.session_timeout),
        # Every rebalance replays up to this on all partitions of all workers.
        "broker_commit_interval": settings.commit_interval,
        "consumer_auto_offset_reset": "earliest",
        # By default all that a fetch brought. A stream whose queue is full holds up all partitions; Faust stops reading
        # its partition when there is room for 819 more events, but not for what it has read by then.
        "broker_max_poll_records": 500,
        "consumer_group_instance_id": settings.worker_name if settings.static_membership else None,
    }


def _producer(settings: Settings) -> dict[str, Any]:
    return {
        "producer_acks": -1,
        # By default 20 minutes: a send would hang for as long.
        "producer_request_timeout": settings.publish_timeout,
        "producer_max_request_size": MAX_RECORD_BYTES,
        "consumer_max_fetch_size": 2 * MAX_RECORD_BYTES,
    }


def _web(settings: Settings) -> dict[str, Any]:
    return {
        # By default 0.0.0.0 and the host's name. Faust puts the host into URLs without brackets.
        "web_bind": settings.web_host,
        "web_host": bracket_host(settings.web_host),
        "canonical_url": settings.own_url,
        "web_port": settings.web_port,
        # By default from the variable FAUST_WEB_TRANSPORT.
        "web_transport": URL("tcp://"),
        # Faust's own pages, off by default, are behind the admin gate. /graph/ needs pydot and Graphviz.
        "web_stats_enabled": True,
        "web_metrics_enabled": True,
        "web_graph_enabled": True,
        "web_application_options": routes.application_options(settings),
    }


class Application(Protocol):
    """What the worker needs of the application besides Faust's own."""

    settings: Settings


class MicroblogWorker(faust.Worker):
    """Faust's worker. It logs as the settings say, at their level unless the command line names another."""

    def __init__(self, app: AppT, *args: Any, loglevel: str | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Take Faust's arguments. Ends the process if they contradict the settings of the web server."""
        settings = cast(Application, app).settings
        _check_options(app, settings)
        if loglevel is None or loglevel == DEFAULT_LOGLEVEL:
            loglevel = settings.log_level
        config = output.configuration(loglevel, settings.log_format, settings.log_personal, kwargs.get("logfile"))
        super().__init__(app, *args, loglevel=loglevel, logging_config=config, **kwargs)


class LoggedCommand(AppCommand):
    """Faust's base of commands. It logs as the settings say, at the level of the command line."""

    #: Not a command itself.
    abstract: ClassVar[bool] = True

    @property
    def _Worker(self) -> Any:  # noqa: ANN401
        settings = cast(Application, self.app).settings
        config = output.configuration(self.loglevel, settings.log_format, settings.log_personal, self.logfile)
        return partial(super()._Worker, logging_config=config)


def _check_options(app: AppT, settings: Settings) -> None:
    """End the process if Faust's own options moved the web server: the URL that other workers get would be wrong."""
    conf = app.conf
    served = (conf.web_bind, conf.web_port, conf.web_transport, conf.web_enabled)
    if served != (settings.web_host, settings.web_port, URL("tcp://"), True):
        exit_with_error(
            SetupError(
                "a worker's web server is not configured by --web-bind, --web-port, --web-transport or --without-web: "
                "set MICROBLOG_WEB_HOST and MICROBLOG_WEB_PORT"
            )
        )
