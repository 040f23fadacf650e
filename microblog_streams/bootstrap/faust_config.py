"""Faust's configuration, from our settings. A value that differs from Faust's default has its reason beside it."""

from typing import Any

from yarl import URL

from microblog_streams.bootstrap.worker import MicroblogWorker
from microblog_streams.config.addresses import bracket_host
from microblog_streams.config.settings import Settings
from microblog_streams.delivery.faust_patches.changelog import ConfirmedTable
from microblog_streams.delivery.faust_patches.recovery import PatchedTableManager
from microblog_streams.delivery.faust_patches.router import EdgeRouter
from microblog_streams.delivery.faust_patches.topic import PatchedTopic
from microblog_streams.domain.topics import MAX_RECORD_BYTES
from microblog_streams.kafka.clients import brokers, credentials
from microblog_streams.services.worker_directory import tables_dir
from web import routes


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
