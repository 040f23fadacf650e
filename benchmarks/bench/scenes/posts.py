"""POST /posts/: accepted calls a second, beside a bare handler that produces a record and inserts a row.

By a worker that also fans the posts out, which the bare handler does not, and by one with the role web while no worker
does: that is what accepting alone takes.
"""

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.bench.rows import Row
from benchmarks.bench.served import bare_handlers, side_by_side
from benchmarks.bench.setting import Setting, guest

RATIO = 0.6


async def measure(at: Setting) -> list[Row]:
    """Return posts a second by 50 authors without followers."""
    folder = at.on.stage.settings.data_dir
    people, page = folder / "people.json", folder / "page.json"
    people.write_text(json.dumps([await at.client.register() for _ in range(50)]), encoding="utf-8")
    page.write_text("[]", encoding="utf-8")
    async with bare_handlers(at, page) as bare:
        rows = await side_by_side(at, bare, "post", people, "POST /posts/, fanned out by the same worker", RATIO)
        async with _accepting(at) as alone:
            return rows + await _alone(alone, bare, people)


async def _alone(at: Setting, bare: str, people: Path) -> list[Row]:
    return await side_by_side(at, bare, "post", people, "POST /posts/, accepted by a worker with the role web", RATIO)


@asynccontextmanager
async def _accepting(at: Setting) -> AsyncIterator[Setting]:
    """Have a worker that serves and nothing else, and none that consumes; its posts are fanned out afterwards."""
    web = guest(at.on, "web")
    await at.worker.leave(signal.SIGTERM)
    await web.serve()
    try:
        yield replace(at, worker=web)
    finally:
        await web.leave(signal.SIGTERM)
        await at.worker.join()
