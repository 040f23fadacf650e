"""The application with a page that shows what only the inside knows. Run with ``faust -A`` in place of the package."""

from time import monotonic
from typing import Any

from faust.types.web import Request, Response, View

from microblog_streams.application import create_app
from microblog_streams.delivery.upstream import transport
from microblog_streams.settings import load_settings_or_exit

app = create_app(load_settings_or_exit())


@app.page("/probe/")
async def probe(view: View, request: Request) -> Response:
    """Tell the generation of the group, the pulse' age in seconds, and the partitions of the table."""
    return view.json(
        {
            "generation": app.consumer_generation_id,
            "rebalances": app.rebalancing_count,
            "pulseAge": monotonic() - app.pulse.beat,
            "partitions": sorted(app.followers.table.databases),
            "unacked": app.deliveries.unacked(),
        }
    )


@app.page("/probe/rejoin/")
async def rejoin(view: View, request: Request) -> Response:
    """Ask for another generation, as a lane does that misses events."""
    transport.rejoin(app, "the test says so")
    answer: dict[str, Any] = {}
    return view.json(answer)
