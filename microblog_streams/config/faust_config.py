"""Our settings as Faust's. Every value that is not Faust's own default has its reason here."""

from typing import Any

from yarl import URL

from microblog_streams.bootstrap.boot_order import MicroblogWorker
from microblog_streams.config.addresses import bracketed
from microblog_streams.config.settings import Settings
from microblog_streams.delivery.faust_patches.changelog import ConfirmedTable
from microblog_streams.delivery.faust_patches.recovery import SteadyTableManager
from microblog_streams.delivery.faust_patches.router import EdgeRouter
from microblog_streams.delivery.faust_patches.topic import NamedTopic
from microblog_streams.domain.topics import DEAD_LETTERS, SOURCES, topic_name
from microblog_streams.kafka.clients import brokers, credentials
from microblog_streams.services.worker_directory import tables_dir
from tables import followers
from web.middlewares import stack as middlewares

#: Bytes of the largest event that a topic takes, and of the largest record at all: such an event as a dead letter.
LARGEST_EVENT, LARGEST_RECORD = 1024**2, 2 * 1024**2


def app_id(generation: int) -> str:
    """Return Faust's app id: the consumer group, and the prefix of the changelog topics."""
    return "microblog" if generation == 1 else f"microblog.g{generation}"


def changelog_name(generation: int) -> str:
    """Return the name of the followers table's changelog topic in Kafka."""
    return f"{app_id(generation)}-{followers.NAME}-changelog"


def topic_partitions(generation: int, partitions: int) -> dict[str, int | None]:
    """Return what Kafka must have: each topic's name and its partitions; None is any number."""
    sources = {topic_name(logical, generation): partitions for logical in SOURCES}
    return {**sources, changelog_name(generation): partitions, DEAD_LETTERS: None}


def configuration(settings: Settings, generation: int, partitions: int) -> dict[str, Any]:
    """Return the keyword arguments of ``faust.App``."""
    parts = _parts(settings) | {"datadir": tables_dir(settings.worker_dir, generation), "topic_partitions": partitions}
    return parts | _group(settings) | _producer(settings) | _web(settings)


def _parts(settings: Settings) -> dict[str, Any]:
    return {
        # As released, variables of the environment (PRODUCER_ACKS, WEB_BIND, BROKER_URL) win over what stands here.
        "env": {},
        "broker": brokers(settings),
        "broker_credentials": credentials(settings),
        "store": URL("rocksdb://"),
        "autodiscover": False,
        "topic_replication_factor": settings.replication_factor,
        "table_standby_replicas": settings.standby_replicas,
        "TableManager": SteadyTableManager,
        "Table": ConfirmedTable,
        "Topic": NamedTopic,
        "Router": EdgeRouter,
        "Worker": MicroblogWorker,
        # Events of a lost generation are read again; Faust would wait for their acknowledgements, which never come.
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
        "consumer_group_instance_id": settings.worker_name if settings.static_membership else None,
    }


def _producer(settings: Settings) -> dict[str, Any]:
    return {
        "producer_acks": -1,
        # As released 20 minutes: a send would hang for as long.
        "producer_request_timeout": settings.publish_timeout,
        "producer_max_request_size": LARGEST_RECORD,
        "consumer_max_fetch_size": 2 * LARGEST_RECORD,
    }


def _web(settings: Settings) -> dict[str, Any]:
    return {
        # As released 0.0.0.0, and the host's name, which Faust puts into URLs as it is.
        "web_bind": settings.web_host,
        "web_host": bracketed(settings.web_host),
        "canonical_url": settings.own_url,
        "web_port": settings.web_port,
        # As released that of the variable FAUST_WEB_TRANSPORT.
        "web_transport": URL("tcp://"),
        # Faust's own pages: off as released, and here behind the lock. /graph/ needs pydot and Graphviz, and says so.
        "web_stats_enabled": True,
        "web_metrics_enabled": True,
        "web_graph_enabled": True,
        "web_application_options": middlewares.application_options(settings),
    }
