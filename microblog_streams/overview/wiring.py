"""Puts the overview together from the parts of the application."""

from typing import TYPE_CHECKING

from microblog_streams.configuration import app_id
from microblog_streams.overview.everywhere import Everywhere
from microblog_streams.overview.here import Here
from microblog_streams.overview.records import OutboxLine, TimelinesLine
from microblog_streams.overview.reports import Reports
from microblog_streams.services.lag import Lags, offsets
from microblog_streams.settings import Settings
from microblog_streams.stores.census import Census
from microblog_streams.stores.deployment import Deployment
from microblog_streams.stores.outbox import Outbox
from microblog_streams.topics import SOURCES, topic_name

if TYPE_CHECKING:
    from microblog_streams.application import MicroblogApp


def everywhere(app: "MicroblogApp", here: Here, census: Census) -> Everywhere:
    """Return the overview that ``app`` shows."""
    return Everywhere(
        itself=app.itself,
        workers=lambda: app.presence.workers,
        report=Reports(app.itself, here, app.peers, app.settings.admin_token).of,
        deployment=lambda: app.generations.deployment,
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


async def _timelines(census: Census) -> TimelinesLine:
    warm = await census.warm()
    return TimelinesLine(warm=warm.timelines, exact=warm.exact, looked_at=warm.looked_at)
