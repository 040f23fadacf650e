"""Faust's configuration and its worker, from our settings alone.

A value that differs from Faust's default has its reason beside it.
"""

import logging
from typing import Any, Protocol, cast

import faust
from faust.cli.base import DEFAULT_LOGLEVEL
from faust.types import AppT
from yarl import URL

from microblog_streams.config.addresses import bracket_host
from microblog_streams.config.settings import Settings, exit_with_error
from microblog_streams.delivery.faust_patches.changelog import ConfirmedTable
from microblog_streams.delivery.faust_patches.recovery import PatchedTableManager
from microblog_streams.delivery.faust_patches.router import EdgeRouter
from microblog_streams.delivery.faust_patches.topic import PatchedTopic
from microblog_streams.domain.errors import SetupError
from microblog_streams.domain.topics import MAX_RECORD_BYTES
from microblog_streams.kafka.clients import brokers, credentials
from microblog_streams.observability.logs import log_request_ids
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


class Application(Protocol):
    """What the worker needs of the application besides Faust's own."""

    settings: Settings


class MicroblogWorker(faust.Worker):
    """Faust's worker. It logs at the level of the settings unless the command line names another."""

    def __init__(self, app: AppT, *args: Any, loglevel: str | int | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Take Faust's arguments. Ends the process if they contradict the settings of the web server."""
        settings = cast(Application, app).settings
        _check_options(app, settings)
        if loglevel in (None, DEFAULT_LOGLEVEL):
            loglevel = settings.log_level
        super().__init__(app, *args, loglevel=loglevel, **kwargs)

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        """Add the id of the request to every line that Faust's handlers write."""
        super().on_setup_root_logger(logger, level)
        log_request_ids()


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
