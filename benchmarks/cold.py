"""``python -m benchmarks.cold``: how the timeline of a user who follows FOLLOWEES=20000 is answered when it is cold.

On a stack of its own below ``.data-cold``, with one worker; the followees wrote two posts each. Told are the time of
the first answer, how much of the true newest page it holds, and the time until the page is whole, as a reader sees it
who asks again four times a second. Writes benchmarks/results/cold.json.
"""

import asyncio
import os
from collections.abc import Sequence
from time import perf_counter

from benchmarks.bars import counter
from benchmarks.followees import follow_many
from benchmarks.report import Figures, refuse_arguments, report
from benchmarks.scenes import Platform, platform
from benchmarks.stage import Stage
from microblog_streams.stores.redis.timelines import Timelines

FOLLOWEES, POSTS_EACH, ROUNDS = 20_000, 2, 5
#: Seconds between a reader's calls, and after which the page must be whole.
AGAIN, DEADLINE = 0.25, 60.0


def main() -> None:
    """Measure, and report."""
    refuse_arguments()
    followees = int(os.environ.get("FOLLOWEES") or FOLLOWEES)
    report("cold", 1, lambda stage: _measure(stage, followees), table)


async def _measure(stage: Stage, followees: int) -> Figures:
    async with platform(stage) as on:
        reader = await on.client.register()
        written = await follow_many(stage.settings, reader, followees, followees * POSTS_EACH)
        rounds = []
        with counter(stage.console, "cold reads", ROUNDS) as one:
            for _ in range(ROUNDS):
                await Timelines(on.redis).remove(reader)
                rounds.append(await _read_until_whole(on, reader, written[:20]))
                one()
    return {"followees": followees, "posts": len(written), "rounds": rounds}


async def _read_until_whole(on: Platform, reader: int, newest: Sequence[str]) -> Figures:
    begun = perf_counter()
    status, whole, page = await _read(on, reader)
    figures = {"first": perf_counter() - begun, "status": status, "held": len(set(page) & set(newest))}
    async with asyncio.timeout(DEADLINE):
        while not whole:
            await asyncio.sleep(AGAIN)
            status, whole, page = await _read(on, reader)
    return {**figures, "whole": perf_counter() - begun, "right": page == list(newest)}


async def _read(on: Platform, reader: int) -> tuple[int, bool, list[str]]:
    """Return the status, whether the page is whole, and the ids of its posts."""
    async with on.client.session.get(f"{on.stage.urls[0]}/timelines/{reader}") as response:
        body = await response.json(content_type=None)
        if response.status != 200:
            return response.status, False, []
        return 200, "Timeline-State" not in response.headers, [post["postId"] for post in body]


def table(figures: Figures) -> str:
    """Return Markdown: a line a round."""
    rows = [f"{figures['followees']:,} followees with {figures['posts']:,} posts.", ""]
    rows += ["| first answer | posts of the true newest page on it | whole after | and right |", "|---|---|---|---|"]
    return "\n".join([*rows, *map(_row, figures["rounds"])])


def _row(one: Figures) -> str:
    first = f"{one['first']:.2f} s ({one['status']})"
    return f"| {first} | {one['held']} of 20 | {one['whole']:.2f} s | {'yes' if one['right'] else 'no'} |"


if __name__ == "__main__":
    main()
