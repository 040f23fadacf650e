"""The bare handlers in their process, and the load on them and on the worker in turns."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.stage import free_ports
from microblog_streams.config.settings import PREFIX

_DEADLINE: Final = 30.0


@asynccontextmanager
async def bare_handlers(at: Setting, page: Path) -> AsyncIterator[str]:
    """Serve the bare handlers inside the block; give their URL."""
    port = free_ports(1)
    environment = {**os.environ, f"{PREFIX}DATA_DIR": str(at.on.stage.settings.data_dir)}
    command = ["-m", "benchmarks.bench.ceilings.handlers", str(port), str(page)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, env=environment)
    try:
        async with asyncio.timeout(_DEADLINE):
            await _until_it_serves(at.client.session, f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _until_it_serves(session: aiohttp.ClientSession, url: str) -> None:
    while True:
        try:
            async with session.get(url):
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)


async def side_by_side(at: Setting, bare: str, call: str, people: Path, what: str, ratio: float) -> list[Row]:
    """Put the same load on the worker and on the bare handler, in turns; return calls a second, and the times."""
    ours, theirs = [], []
    with counter(at.on.stage.console, what, at.rounds + at.warm_up) as one:
        for _ in range(at.rounds + at.warm_up):
            ours.append(await at.load(call, at.worker.url, people))
            theirs.append(await at.load(call, bare, people))
            one()
    for figures in (*ours, *theirs):
        if figures["others"] or not figures["calls"]:
            raise RuntimeError(f"{what}: not all calls were answered well: {figures}")
    rates = [figures["rate"] for figures in ours[at.warm_up :]]
    bares = [figures["rate"] for figures in theirs[at.warm_up :]]
    times = [figures["p99"] * 1000 for figures in ours[at.warm_up :]]
    return [
        Row(what, "calls/s", rates, Target(ratio=ratio), "a bare handler with the same store calls", bares),
        Row(f"{what}: p99 when saturated", "ms", times, Target()),
    ]
