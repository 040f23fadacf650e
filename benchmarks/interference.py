"""``python -m benchmarks.interference``: how much an author with a million followers holds up another one.

On a stack of its own below ``.data-interference``, with one worker. An author of the same partition, with 10
followers, posts 20 times a second; alone, and while a post of the one with FOLLOWERS=1000000 is always under way, in
turns. Told are the times from sending a post until its last follower has it, and what the other's fan-outs add. After
it, what 20,000 events that wait for their acknowledgement take of the worker's memory. Writes
benchmarks/results/interference.json.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from statistics import median
from time import perf_counter
from typing import Final

from benchmarks.arrival import until_arrived
from benchmarks.bars import counter
from benchmarks.client import Client
from benchmarks.crowd import Crowd
from benchmarks.figures import milliseconds, percentile
from benchmarks.guests import Guest
from benchmarks.report import Figures, refuse_arguments, report
from benchmarks.scenes import ARRIVE, Platform, platform
from benchmarks.stage import Stage, free_ports
from benchmarks.steady import Steady
from benchmarks.unacked import held_memory
from microblog_streams.config.settings import PREFIX
from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain.ids import encode_user

FOLLOWERS, FEW = 1_000_000, 10
ROUNDS, SECONDS, WARM_UP = 3, 10.0, 3.0
#: The followers that a fan-out reaches last.
LAST: Final = 500

NAMES: Final = {"alone": "alone", "beside": "beside the fan-outs", "added": "added"}


def main() -> None:
    """Measure, and report."""
    refuse_arguments()
    followers = int(os.environ.get("FOLLOWERS") or FOLLOWERS)
    # The stage's worker stays outside the group: the one that is measured is stopped while its table is filled.
    os.environ[f"{PREFIX}ROLES"] = "web"
    report("interference", 1, lambda stage: _measure(stage, followers), table)


async def _measure(stage: Stage, followers: int) -> Figures:
    async with platform(stage) as on:
        await on.redis.client.config_set("maxmemory", "6gb")
        guest = Guest(stage, on.redis, free_ports(1), {"ROLES": "both"})
        await guest.join()
        client = Client(on.client.session, [guest.url])
        steady, crowd = await authors(on, client, followers)
        await _gather(on, guest, crowd)
        figures: Figures = {"followers": followers, "rounds": []}
        await steady.posts(WARM_UP)
        with counter(stage.console, "rounds", ROUNDS) as one:
            for _ in range(ROUNDS):
                figures["rounds"].append(await one_round(on, client, steady, crowd))
                one()
        figures["missing"] = await _missing(on, crowd, figures["rounds"])
        figures["memory"] = await held_memory(stage, guest, client, steady.author)
    return figures


async def authors(on: Platform, client: Client, followers: int) -> tuple[Steady, Crowd]:
    """Register two authors of one partition; one has few followers, the other gets many."""
    partitions = on.stage.settings.partitions
    authors: dict[int, int] = {}
    author = await client.register()
    while (other := authors.setdefault(partition_of(encode_user(author), partitions), author)) == author:
        author = await client.register()
    few = [await client.register() for _ in range(FEW)]
    for follower in few:
        await client.follow(follower, other)
    return Steady(client, on.watch, other, few), Crowd(author, followers)


async def _gather(on: Platform, guest: Guest, crowd: Crowd) -> None:
    """Give the crowd to its author while the worker is away."""
    with counter(on.stage.console, "followers", 1) as one:
        partition = partition_of(encode_user(crowd.author), on.stage.settings.partitions)
        await guest.leave(signal.SIGTERM)
        folder = on.stage.settings.data_dir / "workers" / guest.name
        await asyncio.to_thread(crowd.follow, folder, partition)
        await crowd.keep(on.redis)
        await guest.join()
        one()


async def one_round(on: Platform, client: Client, steady: Steady, crowd: Crowd, seconds: float = SECONDS) -> Figures:
    """Post so many seconds alone, and as many beside the other's fan-outs; return the seconds of each post of all."""
    alone = await _readable(steady, seconds)
    over = asyncio.Event()
    beside = asyncio.create_task(_post_on(on, client, crowd, over))
    try:
        both = await _readable(steady, seconds)
    finally:
        over.set()
    return {"alone": alone, "beside": both, "fan-outs": await beside}


async def _readable(steady: Steady, seconds: float) -> list[float]:
    return [post.readable for post in await steady.posts(seconds)]


async def _post_on(on: Platform, client: Client, crowd: Crowd, over: asyncio.Event) -> list[float]:
    """Post as the much followed, one after the other; return the seconds until the last follower had each."""
    times = []
    while not over.is_set():
        begun = perf_counter()
        item = await client.post(crowd.author, "to everybody")
        times.append(await until_arrived(on.redis, item, crowd.people[-LAST:], ARRIVE) - begun)
    return times


async def _missing(on: Platform, crowd: Crowd, rounds: Sequence[Figures]) -> int:
    wanted = crowd.count * sum(len(one["fan-outs"]) for one in rounds)
    return wanted - await crowd.entries(on.redis)


def table(figures: Figures) -> str:
    """Return Markdown: medians of the rounds."""
    rounds, memory = figures["rounds"], figures["memory"]
    fan_outs = [seconds for one in rounds for seconds in one["fan-outs"]]
    posts = sum(len(one["alone"]) for one in rounds)
    middles = {name: [median(_of(one[name])[at] for one in rounds) for at in range(3)] for name in ("alone", "beside")}
    middles["added"] = [median(added(one)[at] for one in rounds) for at in range(3)]
    return "\n".join(
        [
            f"{figures['followers']:,} followers; {len(fan_outs)} posts to them, "
            f"each within {milliseconds(median(fan_outs))} (median) at the last; {figures['missing']} entries missing.",
            "",
            f"| a post to {FEW} followers ({posts} posts each) | p50 | p99 | longest |",
            "|---|---|---|---|",
            *(f"| {NAMES[name]} | {' | '.join(map(milliseconds, values))} |" for name, values in middles.items()),
            "",
            f"worker: {memory['before']:.0f} MiB; {memory['with']:.0f} MiB with {memory['held']:,.0f} events held",
        ]
    )


def _of(times: Sequence[float]) -> list[float]:
    return [percentile(times, 50), percentile(times, 99), max(times)]


def added(one: Figures) -> list[float]:
    """Return by how many seconds p50, p99 and the longest grew."""
    return [both - alone for both, alone in zip(_of(one["beside"]), _of(one["alone"]), strict=True)]


if __name__ == "__main__":
    main()
