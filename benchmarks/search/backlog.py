"""A backlog: posts that wait in Kafka while no indexer runs, and how fast one that starts writes them.

Counted is from a tenth of the backlog on, so that the start of the process is not. Nothing else runs meanwhile but the
stores, which are idle: the indexer and the engine have the cores.
"""

import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Final

import aiohttp

from benchmarks.bars import bar
from benchmarks.bench.profile import top
from benchmarks.produced import publish_posts
from benchmarks.report import Figures
from benchmarks.search.setting import Setting
from benchmarks.search.texts import Writer
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import new_post_id

POSTS, QUICK_POSTS = 100_000, 30_000
#: Seconds within which it must be indexed, and between looks.
_DEADLINE: Final = 300.0
_LOOK: Final = 0.1
_DOCUMENTS: Final = 'microblog_search_documents_total{kind="posts"}'


async def measure(at: Setting) -> Figures:
    """Publish the backlog, start the indexer, and return the rate and the CPU seconds of each process."""
    count = at.size(POSTS, QUICK_POSTS)
    await at.indexer.serve()  # it notes in Kafka from where on it reads
    await asyncio.sleep(3.0)
    await at.indexer.leave(signal.SIGTERM)
    await _publish(at, count)
    at.indexer.start()
    begin = count // 10
    await _until_written(at, begin)
    recording = await _record(at) if os.environ.get("PROFILE") == "1" else None
    with at.spent() as spent:
        first, begun = await _written(at), perf_counter()
        with bar(at.on.stage.console, "backlog indexed", count) as report:
            last = await _until_written(at, count, report)
        seconds = perf_counter() - begun
    if recording:
        await _show(at, recording)
    posts = last - first
    cpu = {name: used / posts * 1e6 for name, used in spent.items() if name != "seconds"}
    return {"posts": posts, "seconds": seconds, "rate": posts / seconds, "cpu us a post": cpu}


async def _publish(at: Setting, count: int) -> None:
    writer, now = Writer(seed=1), datetime.now(UTC)
    events = [
        PostCreated(post_id=new_post_id(), user_id=writer.author(), content=writer.text(), created_at=now)
        for _ in range(count)
    ]
    with bar(at.on.stage.console, "posts written into Kafka", count) as report:
        await publish_posts(at.settings, events)
        report(count, count)


async def _until_written(at: Setting, count: int, report: object = None) -> int:
    """Return when the indexer's process has written so many posts; return their number. Raises TimeoutError."""
    async with asyncio.timeout(_DEADLINE):
        while (written := await _written(at)) < count:
            if callable(report):
                report(written, count)
            await asyncio.sleep(_LOOK)
    return written


async def _written(at: Setting) -> int:
    try:
        async with at.on.client.session.get(f"{at.indexer.url}/metrics") as response:
            lines = (await response.text()).splitlines()
    except aiohttp.ClientError:  # it does not serve yet
        return 0
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(_DOCUMENTS)))


async def _record(at: Setting) -> tuple[asyncio.subprocess.Process, Path]:
    assert at.indexer.child
    file = at.settings.data_dir / "indexer-profile.txt"
    options = ["--format", "raw", "--function", "--rate", "200", "--pid", str(at.indexer.child.pid), "--output", file]
    null = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec("py-spy", "record", *map(str, options), stdout=null), file


async def _show(at: Setting, recording: tuple[asyncio.subprocess.Process, Path]) -> None:
    process, file = recording
    process.send_signal(signal.SIGINT)
    await process.wait()
    lines = (await asyncio.to_thread(file.read_text)).splitlines()
    at.on.stage.console.print(f"own time of the indexer; stacks in {file}", *top(lines), sep="\n", highlight=False)
