"""Pushes into a Redis Cluster of three primaries beside those into one server, by the same client from the same ids.

The three share the cores with their client, as the one does: so this tells what hash tags, calls of one slot and
redirections cost, and not what three machines would bring. Followers whose ids are in a row fill their calls; those
who are far apart are each in another bucket than their neighbour, the worst that a slice can be.
"""

import asyncio
import time
from pathlib import Path
from typing import Final

from benchmarks.aside import aside
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.crowd import FIRST
from microblog_streams.config.settings import Settings
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import TIMELINES_PER_CALL, UNREAD_MS, functions, keys
from tests.support.servers.redis_cluster import running_cluster

FOLLOWERS, QUICK = 200_000, 50_000
#: From id to id of followers who are far apart: a slice of 500 of them is in as many buckets as it can be.
FAR: Final = 64
#: Crowds lie so many ids apart, and from those of other scenes.
_ROOM: Final = 100_000_000
#: Seconds that the server may take for a batch of new timelines.
_TIMEOUT_SECONDS: Final = 5.0


async def measure(at: Setting) -> list[Row]:
    """Return pushes a second into the cluster, with those into the one server as the ceiling."""
    count = at.size(FOLLOWERS, QUICK)
    close, far = FIRST + _ROOM, FIRST + 2 * _ROOM
    with running_cluster() as cluster:
        return [
            await _row(at, cluster.stack.settings, "ids in a row", range(close, close + count)),
            await _row(at, cluster.stack.settings, "ids far apart", range(far, far + count * FAR, FAR)),
        ]


async def _row(at: Setting, cluster: Settings, ids: str, people: range) -> Row:
    folders = []
    for settings in (at.on.stage.settings, cluster):
        await _keep(settings, people)
        folders.append(settings.data_dir)
    rounds = [[await _rate(folder, people) for folder in folders] for _ in range(at.rounds + at.warm_up)]
    ceilings, rates = zip(*rounds[at.warm_up :], strict=True)
    what = f"pushes into a Redis Cluster of three on this machine, {ids}"
    return Row(what, "pushes/s", rates, Target(), "one server, same client", ceilings)


async def _rate(folder: Path, people: range) -> float:
    arguments = people.start, len(people), people.step
    found = await aside("benchmarks.bench.ceilings.pushes", *arguments, data=folder, seconds=60.0)
    if found["taken"] != len(people):
        raise RuntimeError(f"{found['taken']:,} timelines took the entry, not {len(people):,}")
    return float(found["rate"])


async def _keep(settings: Settings, people: range) -> None:
    """Make everybody's timeline, empty and complete, a batch to each server at a time."""
    redis = Redis(settings)
    await redis.connect()
    names, create = keys(redis), functions(redis)
    for start in range(0, len(people), TIMELINES_PER_CALL):
        calls = redis.by_server([names.of(user)] for user in people[start : start + TIMELINES_PER_CALL])
        until = time.monotonic() + _TIMEOUT_SECONDS
        await asyncio.gather(*(create.call_each("create", each, (b"E", UNREAD_MS), until) for each in calls.values()))
    await redis.close()
