"""Delivery: what publishes events, what applies them partition by partition, and what guards both."""

from dataclasses import dataclass
from time import monotonic

import tables.followers
from microblog_streams.bootstrap.faust_app import FaustApp
from microblog_streams.bootstrap.stores import Stores
from microblog_streams.delivery.faust_patches import transport
from microblog_streams.delivery.offset_acks import RedisRestartMonitor
from microblog_streams.delivery.processor_pool import ProcessorLimits, ProcessorPool
from microblog_streams.delivery.publisher import Publisher
from microblog_streams.delivery.stale_changelog_rows import RowRepublisher
from microblog_streams.kafka.newest_posts import NewestPosts
from microblog_streams.metrics.store_calls import measured
from microblog_streams.services.deployment_watch import DeploymentWatch
from tables.followers import FollowersTable


@dataclass(frozen=True)
class Streaming:
    """The follower table, the publisher, the partition processors and the services that delivery relies on."""

    followers: FollowersTable
    publisher: Publisher
    newest_posts: NewestPosts
    processor_pool: ProcessorPool
    redis_restart_monitor: RedisRestartMonitor
    row_republisher: RowRepublisher


def build_streaming(app: FaustApp, stores: Stores, deployment_watch: DeploymentWatch) -> Streaming:
    """Declare the follower table on the app, and return the parts; ``deployment_watch`` says where posts go."""
    followers = tables.followers.register(app)
    publisher = Publisher(app, app.topic_of, deployment_watch, app.settings.publish_timeout)
    publisher = measured(stores.calls, "kafka", "publisher", publisher)
    newest_posts = NewestPosts(app.settings, lambda: deployment_watch.deployment)
    monitor = RedisRestartMonitor(stores.in_redis.timelines.run_id, app.settings.ack_hold)
    return Streaming(
        followers,
        publisher,
        measured(stores.calls, "kafka", "newest_posts", newest_posts),
        _processor_pool(app, followers, publisher, monitor),
        monitor,
        _row_republisher(app, stores, followers),
    )


def _processor_pool(
    app: FaustApp, followers: FollowersTable, publisher: Publisher, monitor: RedisRestartMonitor
) -> ProcessorPool:
    settings, table = app.settings, followers.table
    pool = ProcessorPool(
        membership=app,
        heartbeat=app.heartbeat,
        redis_restart_monitor=monitor,
        limits=ProcessorLimits(settings.window, settings.unacked, settings.on_failure),
        log=publisher,
        confirm=table.confirm,
        committed=lambda tp: transport.committed_offset(app, tp),
        first_offset=lambda tp: transport.first_offset(app, tp),
        rejoin=lambda reason: transport.rejoin(app, reason),
    )
    app.on_partitions_revoked.connect(pool.on_partitions_revoked, weak=False)
    app.on_partitions_assigned.connect(table.on_partitions_assigned, weak=False)
    return pool


def _row_republisher(app: FaustApp, stores: Stores, followers: FollowersTable) -> RowRepublisher:
    return RowRepublisher(
        followers.table.stale_rows,
        republish=lambda keys: stores.in_postgres.follows.republish(followers.edges(keys)),
        has_lease=lambda: not app.rebalancing and monotonic() < app.heartbeat.deadline,
    )
