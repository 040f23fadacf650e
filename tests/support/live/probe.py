"""The application with a page that shows what only the inside knows. Run with ``faust -A`` in place of the package."""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Any, cast

from faust.types import EventT
from faust.types.web import Request, Response, View

from microblog_streams.bootstrap import faust_app
from microblog_streams.bootstrap.application import create_app
from microblog_streams.config.settings import load_settings_or_exit
from microblog_streams.delivery.faust_patches import transport
from microblog_streams.delivery.faust_patches.changelog import ConfirmedTable

#: While it is not set, the records of the changelog stay in the worker's buffer, as while Kafka does not take them.
changelog_flows = asyncio.Event()
changelog_flows.set()


class HeldProducer(transport.RetryingProducer):
    """A producer whose changelog records can be held back."""

    async def send(self, topic: str, *args: Any, **kwargs: Any) -> Any:
        if topic == app.changelog_name():
            await changelog_flows.wait()
        return await super().send(topic, *args, **kwargs)


class CountingTable(ConfirmedTable):
    """A table that counts the changelog's records that it applies for partitions of its own: in recoveries."""

    replayed = 0

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        records = list(batch)
        owned = self._changelog_assignment.owned()
        self.replayed += sum(record.message.tp in owned for record in records)
        super().apply_changelog_batch(records)


transport.PatchedTransport.Producer = HeldProducer
faust_app.ConfirmedTable = CountingTable
app = create_app(load_settings_or_exit())


@app.page("/probe/")
async def probe(view: View, request: Request) -> Response:
    """Return this worker's partitions, the state of its tables, and the age of the last heartbeat in seconds."""
    standbys = sorted(tp for tp in app.assignor.assigned_standbys() if tp.topic == app.changelog_name())
    return view.json(
        {
            "generation": app.consumer_generation_id,
            "rebalances": app.rebalancing_count,
            "pulseAge": monotonic() - app.heartbeat.answered_at,
            "partitions": sorted(app.streaming.followers.table.databases),
            "unacked": app.streaming.processor_pool.unacked(),
            "owned": app.itself().partitions,
            "standbys": {tp.partition: app.tables.recovery.standby_offsets[tp] for tp in standbys},
            "replayed": cast(CountingTable, app.streaming.followers.table).replayed,
        }
    )


@app.page("/probe/rejoin/")
async def rejoin(view: View, request: Request) -> Response:
    """Ask for another generation, as a lane does that misses events."""
    transport.rejoin(app, "the test says so")
    answer: dict[str, Any] = {}
    return view.json(answer)


@app.page("/probe/changelog/hold/")
async def hold(view: View, request: Request) -> Response:
    """Hold the changelog's records back from now on."""
    changelog_flows.clear()
    answer: dict[str, Any] = {}
    return view.json(answer)


@app.page("/probe/changelog/release/")
async def release(view: View, request: Request) -> Response:
    """Let them go."""
    changelog_flows.set()
    answer: dict[str, Any] = {}
    return view.json(answer)
