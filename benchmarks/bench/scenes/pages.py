"""The first page of warm timelines: 20 posts with bodies and names, beside a bare handler with the same calls."""

import asyncio
import json
from pathlib import Path
from uuid import UUID

from benchmarks.bench.rows import Row, Target
from benchmarks.bench.served import bare_handlers, side_by_side
from benchmarks.bench.setting import Setting
from benchmarks.load import CONTENT
from microblog_streams.domain.ids import encode_entry
from microblog_streams.stores.redis.timelines import Timelines

READERS, AUTHORS, POSTS = 500, 20, 60


async def measure(at: Setting) -> list[Row]:
    """Return pages a second of the worker beside the bare handler's, and the time at half of that rate."""
    readers = await warm_readers(at)
    people, page = await files(at, readers)
    async with bare_handlers(at, page) as bare:
        rows = await side_by_side(at, bare, "timeline", people, "GET /timelines/{id}, first page, warm", 0.6)
        rows += await side_by_side(at, bare, "poll", people, "the same at 304, nothing new", 0.65)
    half = [await at.load("timeline", at.worker.url, people, rows[0].figure / 2) for _ in range(at.rounds)]
    times = [figures["p99"] * 1000 for figures in half]
    return [*rows, Row("GET /timelines/{id} at half of its rate: p99", "ms", times, Target(most=10))]


async def warm_readers(at: Setting) -> list[int]:
    """Register readers and authors, post, and push the entries to all readers as a fan-out does."""
    readers = await asyncio.gather(*(at.client.register() for _ in range(at.size(READERS, 50))))
    authors = [await at.client.register() for _ in range(AUTHORS)]
    timelines = Timelines(at.on.redis)
    for number in range(POSTS):
        item = await at.client.post(authors[number % AUTHORS], CONTENT)
        await timelines.push(readers, encode_entry(UUID(item.post_id), item.author))
    return readers


async def files(at: Setting, readers: list[int]) -> tuple[Path, Path]:
    """Write what a load needs: the readers' ids, and the bytes of a page."""
    folder = at.on.stage.settings.data_dir
    people, page = folder / "people.json", folder / "page.json"
    people.write_text(json.dumps(readers), encoding="utf-8")
    async with at.client.session.get(f"{at.worker.url}/timelines/{readers[0]}") as response:
        page.write_bytes(await response.read())
    return people, page
