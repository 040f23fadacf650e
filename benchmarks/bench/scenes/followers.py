"""What a follower costs as an author's followers grow: from being sent until the last one has it, a follower."""

from statistics import median

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, growth
from benchmarks.bench.scenes.fan_out import LAST
from benchmarks.bench.setting import Setting
from benchmarks.crowd import Crowd

#: Followers of each author, and those against whom the largest is held: below, what a post costs at all is most of it.
SIZES, QUICK, BASE = (1_000, 10_000, 100_000, 1_000_000), (100, 1_000, 5_000), 1
#: Posts to a crowd a round, of which the middle one counts; one where that alone takes a second or more.
POSTS, MANY = 5, 100_000


async def measure(at: Setting) -> list[Row]:
    """Return the microseconds a follower of each crowd, and how much more the largest crowd's is."""
    sizes = QUICK if at.quick else SIZES
    crowds = [Crowd(await at.client.register(), size) for size in sizes]
    await crowds[-1].keep(at.on.redis)
    await at.follow(*crowds)
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    with counter(at.on.stage.console, "rounds of posts to crowds", at.rounds + at.warm_up) as one:
        for _ in range(at.rounds + at.warm_up):
            for crowd in crowds:
                costs[crowd.count].append(await _cost(at, crowd))
            one()
    figures = {f"a follower of {size:,}": costs[size][at.warm_up :] for size in sizes}
    return growth("fan-out", "us", figures, BASE, most=1.5)


async def _cost(at: Setting, crowd: Crowd) -> float:
    """Return the microseconds a follower, of the middle one of some posts."""
    posts = POSTS if crowd.count < MANY else 1
    times = [(await at.on.post(crowd.author, "grows", crowd.people[-LAST:]))[1] for _ in range(posts)]
    return median(times) / crowd.count * 1e6
