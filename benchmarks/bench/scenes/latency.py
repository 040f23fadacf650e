"""How long a post takes from being sent until all followers can read it, while 50 posts a second arrive.

The way has two parts, which are told too: until POST is answered, and from then on. A fan-out may well be faster than
the answer; then the second is below nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.client import side_by_side
from benchmarks.figures import percentile
from benchmarks.steady import Steady, Times

AUTHORS, FOLLOWERS = 10, 100
#: Posts a second of each author: 50 in all.
EACH: Final = 5.0


async def measure(at: Setting) -> list[Row]:
    """Return the middle and the slowest hundredth of the posts, a round each; of the whole way and of its parts."""
    authors = [await _author(at) for _ in range(at.size(AUTHORS, 2))]
    rounds = []
    with counter(at.on.stage.console, "rounds of 50 posts a second", at.rounds + at.warm_up) as one:
        for _ in range(at.rounds + at.warm_up):
            rounds.append(await _round(at, authors))
            one()
    posts = rounds[at.warm_up :]
    what = f"POST sent to readable by all of {FOLLOWERS} followers, {len(authors) * EACH:.0f} posts/s"
    answered = [[post.answered for post in each] for each in posts]
    after = [[post.readable - post.answered for post in each] for each in posts]
    return [
        *_rows(what, [[post.readable for post in each] for each in posts], Target(most=20), Target(most=80)),
        *_rows("of that, until POST is answered", answered, Target(), Target()),
        *_rows("of that, after the answer", after, Target(), Target()),
    ]


async def _author(at: Setting) -> Steady:
    """Register an author, and followers whose timelines take the first post."""
    author = await at.client.register()
    followers = await asyncio.gather(*(at.client.register() for _ in range(FOLLOWERS)))
    await side_by_side(16, lambda follower: at.client.follow(follower, author), followers, lambda: None)
    steady = Steady(at.client, at.on.watch, author, followers, every=1 / EACH)
    await steady.posts(1 / EACH)
    return steady


async def _round(at: Setting, authors: Sequence[Steady]) -> list[Times]:
    """Let the authors post in turns: who has all of them post in the same moment measures a queue."""
    turns = [_in_turn(at, author, number / len(authors) / EACH) for number, author in enumerate(authors)]
    return [post for posts in await asyncio.gather(*turns) for post in posts]


async def _in_turn(at: Setting, author: Steady, later: float) -> list[Times]:
    await asyncio.sleep(later)
    return await author.posts(at.seconds)


def _rows(what: str, rounds: Sequence[Sequence[float]], middle: Target, slowest: Target) -> list[Row]:
    targets = {50: middle, 99: slowest}
    return [
        Row(f"{what}: p{percent}", "ms", [percentile(each, percent) * 1000 for each in rounds], target)
        for percent, target in targets.items()
    ]
