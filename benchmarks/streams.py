"""``python -m benchmarks.streams``: idle streams on one worker, and deliveries with none to all listening.

On a stack of its own below ``.data-streams``, with one worker. An author has STREAMS=10000 followers, who follow their
timelines live, each over a connection of their own: at first none, then 100, then all. At each of these levels the
streams are idle for a while, which tells what one costs, and then the author posts. Told are the CPU time of the worker
and of Redis for a push, and when the last follower had the post on the timeline, and the last listener the event.
Writes benchmarks/results/streams.json.
"""

import asyncio
import os
import resource
import signal
import time
from collections.abc import Sequence
from contextlib import closing
from statistics import median
from typing import Final, cast

import psutil

from benchmarks.arrival import until_arrived
from benchmarks.client import Client
from benchmarks.crowd import FIRST, Crowd
from benchmarks.figures import milliseconds, percentile
from benchmarks.guests import Guest
from benchmarks.listeners import Listeners
from benchmarks.memory import memory
from benchmarks.report import Figures, report
from benchmarks.scenes import ARRIVE, Platform, platform
from benchmarks.stage import Stage, free_ports
from microblog_streams.config.settings import PREFIX, Settings
from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain.errors import SetupError
from microblog_streams.domain.ids import encode_user
from microblog_streams.stores.postgres.connection import Postgres

STREAMS, SOME = 10_000, 100
POSTS, IDLE_SECONDS, WAIT_SECONDS = 10, 30.0, 20.0
#: Within which all listeners have an event, also those whose signal was lost: a sweep, and a busy worker.
TOLD_SECONDS: Final = 20.0
#: Connections of the worker beside the streams.
OTHER: Final = 50
#: The followers that a fan-out reaches last.
LAST: Final = 100
_USERS: Final = """
    INSERT INTO users (id, username, name_key) OVERRIDING SYSTEM VALUE
    SELECT id, 'listener' || id, 'listener' || id FROM generate_series(%s::bigint, %s::bigint) AS id
"""


def main() -> None:
    """Measure, and report."""
    streams = int(os.environ.get("STREAMS") or STREAMS)
    # The stage's worker stays outside the group: the one that is measured is stopped while its table is filled.
    os.environ[f"{PREFIX}ROLES"] = "web"
    report("streams", 1, lambda stage: _measure(stage, streams), table)


async def _measure(stage: Stage, streams: int) -> Figures:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * (streams + OTHER)  # half of a worker's files are for its connections
    if files < needed:
        raise SetupError(f"{streams:,} streams need a limit of {needed:,} open files (ulimit -n); it is {files:,}")
    async with platform(stage) as on:
        guest = Guest(stage, on.redis, free_ports(1), {"ROLES": "both", "MAX_CONNECTIONS": str(streams + OTHER)})
        await guest.join()
        client = Client(on.client.session, [guest.url])
        crowd = Crowd(await client.register(), streams)
        await _gather(on, guest, crowd)
        with closing(Listeners(guest.port)) as listeners:
            await _post(on, client, crowd, listeners)  # what is made at the first post is made
            figures: Figures = {"followers": streams, "posts": POSTS, "levels": []}
            for count in (0, SOME, streams):
                figures["levels"].append(await _level(on, guest, client, crowd, listeners, count))
                stage.console.print(table(figures))
            return figures


async def _gather(on: Platform, guest: Guest, crowd: Crowd) -> None:
    """Give the crowd to its author while the worker is away."""
    await _register(on.stage.settings, crowd.count)
    partition = partition_of(encode_user(crowd.author), on.stage.settings.partitions)
    await guest.leave(signal.SIGTERM)
    await asyncio.to_thread(crowd.follow, on.stage.settings.data_dir / "workers" / guest.name, partition)
    await crowd.keep(on.redis)
    await guest.join()


async def _register(settings: Settings, count: int) -> None:
    postgres = Postgres(settings)
    await postgres.connect()
    try:
        await postgres.execute(_USERS, FIRST, FIRST + count - 1)
    finally:
        await postgres.close()


async def _level(on: Platform, guest: Guest, client: Client, crowd: Crowd, listeners: Listeners, count: int) -> Figures:
    """Have so many listen; return what that takes, idle and while the author posts."""
    before, opening = _rss(guest), len(listeners)
    seconds = await listeners.follow(crowd.people[opening:count])
    opened = listeners.opened[opening:]
    await asyncio.sleep(WAIT_SECONDS if count else 0.0)  # the first heartbeats and sweeps
    idle = await _idle(on, guest)
    grown = (_rss(guest) - before) / (count - opening) * 1024 if opened else 0.0
    posts = [await _post(on, client, crowd, listeners, guest) for _ in range(POSTS)]
    return {
        "listeners": count,
        "lost": listeners.lost,
        "opening": {"seconds": seconds, "p50": _percentile(opened, 50), "p99": _percentile(opened, 99)},
        "KiB a stream": grown,
        "idle": idle,
        "missing": sum(int(post["missing"]) for post in posts),
        "posts": {name: median(post[name] for post in posts) for name in posts[0]},
    }


async def _idle(on: Platform, guest: Guest) -> Figures:
    """Return the share of a core that worker and Redis take while nothing happens."""
    cpu, begun = _cpu(on, guest), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    elapsed = time.monotonic() - begun
    return {name: (now - cpu[name]) / elapsed for name, now in _cpu(on, guest).items()}


async def _post(
    on: Platform, client: Client, crowd: Crowd, listeners: Listeners, guest: Guest | None = None
) -> dict[str, float]:
    """Post, and wait until all have it; return seconds of CPU and of time."""
    cpu = _cpu(on, guest)
    told, begun = listeners.posts + len(listeners), time.perf_counter()
    item = await client.post(crowd.author, "to everybody")
    on_timelines = await until_arrived(on.redis, item, crowd.people[-LAST:], ARRIVE) - begun
    missing = await listeners.until(told, TOLD_SECONDS)
    seconds = time.perf_counter() - begun
    used = {name: (now - cpu[name]) / crowd.count for name, now in _cpu(on, guest).items()}
    return {"on timelines": on_timelines, "told": seconds, "missing": float(missing), **used}


def _cpu(on: Platform, guest: Guest | None) -> dict[str, float]:
    processes = {"redis": on.stage.processes()["valkey"]}
    if guest and guest.child:
        processes["worker"] = guest.child.pid
    times = {name: psutil.Process(pid).cpu_times() for name, pid in processes.items()}
    return {name: used.user + used.system for name, used in times.items()}


def _rss(guest: Guest) -> float:
    assert guest.child
    return memory({guest.name: guest.child.pid})[guest.name]["rss"]


def _percentile(values: Sequence[float], part: int) -> float:
    return percentile(values, part) if values else 0.0


def table(figures: Figures) -> str:
    """Return Markdown."""
    levels = cast(Sequence[Figures], figures["levels"])
    head = ["", *(f"{level['listeners']:,} listen" for level in levels)]
    rows = {
        "memory a stream": [f"{level['KiB a stream']:.1f} KiB" for level in levels],
        "time to connect, p50 / p99": [
            f"{milliseconds(level['opening']['p50'])} / {milliseconds(level['opening']['p99'])}" for level in levels
        ],
        "all of them connected": [f"{level['opening']['seconds']:.1f} s" for level in levels],
        "idle: worker's share of a core": [f"{level['idle']['worker']:.1%}" for level in levels],
        "idle: Redis' share of a core": [f"{level['idle']['redis']:.1%}" for level in levels],
        "a push: worker's CPU": [f"{level['posts']['worker'] * 1e6:.1f} us" for level in levels],
        "a push: Redis' CPU": [f"{level['posts']['redis'] * 1e6:.1f} us" for level in levels],
        "a post: on the last timeline after": [milliseconds(level["posts"]["on timelines"]) for level in levels],
        "a post: told to the last listener after": [milliseconds(level["posts"]["told"]) for level in levels],
        "events that did not come": [f"{level['missing']:,}" for level in levels],
        "streams that ended": [f"{level['lost']:,}" for level in levels],
    }
    lines = [head, ["---", *("---:" for _ in levels)], *([name, *values] for name, values in rows.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
