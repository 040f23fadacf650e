"""``python -m benchmarks.followed_pushes``: what a push costs Redis while no, some or all timelines are followed live.

On a Valkey of its own. The same push in turns: without the question who is listening, as before there were live
timelines; with it and no listener; with some of the timelines followed, and with all. Told is the server's CPU time by
its own count (INFO cpu), a push: the medians of ROUNDS=20. Writes benchmarks/results/followed-pushes.json.
"""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, cast

import uvloop

from benchmarks.crowd import Crowd
from benchmarks.report import Figures, tell
from microblog_streams.config.settings import Settings
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.local.options import load_local_settings
from microblog_streams.local.stack import Stack
from microblog_streams.local.valkey import Valkey
from microblog_streams.stores.redis import timelines as store
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.functions import RedisFunctions
from microblog_streams.stores.redis.live import LiveLogs
from microblog_streams.stores.redis.timelines import KEPT_ENTRIES, TIMELINES_PER_CALL, functions, keys

AUTHOR, TIMELINES, SOME, POSTS, ROUNDS = 1, 10_000, 100, 10, 20
#: Seconds within which a call must be there: the deadline that all changes have.
DEADLINE_SECONDS: Final = 60.0
#: The body of the function that asks, and one that does not.
_QUESTION: Final = re.compile(r"(local function listening\(keys\)\n).*?\n(end\n)", re.DOTALL)
_UNASKED: Final = r"\1  return nil, false\n\2"
NAMES: Final = {
    "unasked": "without the question",
    "none": "no timeline followed",
    "some": f"{SOME} of {TIMELINES:,} followed",
    "all": "all followed",
}


def main() -> None:
    """Measure, and report."""
    tell("followed-pushes", _on_a_server, table)


def _on_a_server() -> Figures:
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder) / "data", load_local_settings(), parts=[Valkey]) as stack,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_measure(stack.settings, Path(folder)))


async def _measure(settings: Settings, folder: Path) -> Figures:
    redis = Redis(settings)
    await redis.connect()
    try:
        source = Path(store.__file__).with_suffix(".lua").read_text(encoding="utf-8")
        unasked, count = _QUESTION.subn(_UNASKED, source)
        assert count == 1, "the question is not found in timelines.lua"
        (folder / "unasked.lua").write_text(unasked, encoding="utf-8")
        crowd = Crowd(AUTHOR, TIMELINES)
        await crowd.keep(redis)
        without = RedisFunctions(redis, folder / "unasked.lua", "timeline")
        rounds = [
            await _round(redis, crowd.people, without, number)
            for number in range(int(os.environ.get("ROUNDS") or ROUNDS) + 1)
        ]
        return {"timelines": TIMELINES, "pushes a round": TIMELINES * POSTS, "rounds": rounds[1:]}
    finally:
        await redis.close()


async def _round(redis: Redis, people: Sequence[int], without: RedisFunctions, number: int) -> dict[str, float]:
    """Return the microseconds of a push, each way; the ways change places from round to round."""
    logs, asking = LiveLogs(redis), functions(redis)
    ways = [("unasked", without), ("none", asking)]
    await _pushes(redis, people, without)  # the first pushes after the logs were removed are slower
    figures = {name: await _pushes(redis, people, way) for name, way in (ways if number % 2 else ways[::-1])}
    for name, listening in (("some", people[:: TIMELINES // SOME]), ("all", people)):
        await logs.listen(listening)
        figures[name] = await _pushes(redis, people, asking)
    await redis.client.delete(*keys(redis).listeners(), b"live:leases", *(keys(redis).log(user) for user in people))
    return figures


async def _pushes(redis: Redis, people: Sequence[int], way: RedisFunctions) -> float:
    names = keys(redis)
    calls = [people[at : at + TIMELINES_PER_CALL] for at in range(0, len(people), TIMELINES_PER_CALL)]
    before = await _cpu(redis)
    for _ in range(POSTS):
        entry = encode_entry(new_post_id(), AUTHOR)
        for call in calls:
            args = (entry, KEPT_ENTRIES, KEPT_ENTRIES * 11 // 10)
            await way.call("push", [names.of(user) for user in call], args, time.monotonic() + DEADLINE_SECONDS)
    return (await _cpu(redis) - before) / POSTS / len(people) * 1e6


async def _cpu(redis: Redis) -> float:
    info = await cast(Any, redis.client.info("cpu"))
    return float(info["used_cpu_user"] + info["used_cpu_sys"])


def table(figures: Figures) -> str:
    """Return Markdown."""
    rounds = cast(Sequence[dict[str, float]], figures["rounds"])
    middle = {name: median(one[name] for one in rounds) for name in NAMES}
    best = {name: min(one[name] for one in rounds) for name in NAMES}
    against = {name: median(one[name] / one["unasked"] for one in rounds) - 1 for name in NAMES}
    lines = ["| a push | Redis' CPU | best round | more than without |", "|---|---:|---:|---:|"]
    lines += [
        f"| {NAMES[name]} | {middle[name]:.2f} us | {best[name]:.2f} us | {against[name]:+.1%} |" for name in NAMES
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
