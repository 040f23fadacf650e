"""Puts the overview together from the parts of the application."""

from typing import TYPE_CHECKING

from microblog_streams.cluster_status.collector import StatusCollector
from microblog_streams.cluster_status.local import LocalStatus
from microblog_streams.cluster_status.models import OutboxLine, TimelinesLine
from microblog_streams.cluster_status.reports import Reports
from microblog_streams.config.faust_config import app_id
from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.topics import SOURCES, topic_name
from microblog_streams.kafka.consumer_lag import Lags, offsets
from microblog_streams.stores.postgres.outbox import Outbox
from microblog_streams.stores.redis.timeline_keys import TimelineCount

if TYPE_CHECKING:
    from microblog_streams.bootstrap.application import MicroblogApp


def everywhere(app: "MicroblogApp", here: LocalStatus, census: TimelineCount) -> StatusCollector:
    """Return the overview that ``app`` shows."""
    return StatusCollector(
        itself=app.itself,
        workers=lambda: app.worker_presence.workers,
        report=Reports(app.itself, here, app.worker_client, app.settings.admin_token).of,
        deployment=lambda: app.deployment_watch.deployment,
        lags=lambda deployment: _lags(app.settings, deployment),
        outbox=lambda: _outbox(app.outbox),
        timelines=lambda: _timelines(census),
        dead_letters=lambda: app.dead_letters.open,
    )


async def _lags(settings: Settings, deployment: Deployment) -> Lags:
    """Ask Kafka, by connections of its own: nobody looks for most of the time, and then they cost nothing."""
    found: dict[tuple[str, int], int] = {}
    async with offsets(settings) as kafka:
        for generation in deployment.open_generations:
            names = [topic_name(logical, generation) for logical in SOURCES]
            found |= await kafka.lags(app_id(generation), names, deployment.partitions_of(generation))
    return found


async def _outbox(outbox: Outbox) -> OutboxLine:
    return OutboxLine(depth=await outbox.count(), oldest_seconds=await outbox.age())


async def _timelines(census: TimelineCount) -> TimelinesLine:
    warm = await census.warm()
    return TimelinesLine(warm=warm.timelines, exact=warm.exact, looked_at=warm.looked_at)
