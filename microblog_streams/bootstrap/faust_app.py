"""A Faust app in one topic set: its configuration, its topics, and what this worker announces of itself.

The parts of the application are built on this class; ``application.MicroblogApp`` holds them.
"""

from datetime import UTC, datetime

import faust
from faust.types import TopicT, TransportT

from microblog_streams.bootstrap.faust_config import configuration
from microblog_streams.cluster_status.worker_client import WorkerClient
from microblog_streams.config.settings import Settings
from microblog_streams.delivery.faust_patches import transport
from microblog_streams.delivery.lease import Heartbeat
from microblog_streams.domain import topics
from microblog_streams.stores.redis.worker_registry import Worker
from web.middlewares.cors import CorsPolicy
from web.server.limits import Limits
from web.server.server import GuardedWeb


class FaustApp(faust.App):
    """Faust, with our transport and web server."""

    def __init__(self, settings: Settings, topic_set: int, partitions: int) -> None:
        """Configure Faust for the topic set ``topic_set``, whose topics have so many partitions."""
        super().__init__(topics.app_id(topic_set), **configuration(settings, topic_set, partitions))
        self.settings = settings
        # Outside the group: a member without agents would break the co-partitioning of the others.
        self.producer_only = settings.roles == "web"
        self.topic_set = topic_set
        self.heartbeat = Heartbeat(settings.session_timeout)
        self.worker_client = WorkerClient(lambda: self.http_client)
        self._began = datetime.now(UTC)
        self._published: dict[str, TopicT] = {}

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

    def partitions_in_full(self) -> tuple[int, ...]:
        """Return the partitions of which this worker has all rows: none while it recovers them."""
        return self._partitions() if self.tables.actives_ready else ()

    def _new_transport(self) -> TransportT:
        mended = transport.PatchedTransport(self.conf.broker_consumer, self)
        mended.heartbeat = self.heartbeat
        return mended

    def _new_web(self) -> GuardedWeb:
        return GuardedWeb(self, Limits.of(self.settings), CorsPolicy(self.settings.cors_origins))
