"""What a post to a million followers adds to another author's posts in the same partition."""

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.scenes.fan_out import FOLLOWERS, QUICK
from benchmarks.bench.setting import Setting
from benchmarks.interference import added, authors, one_round


async def measure(at: Setting) -> list[Row]:
    """Return what is added to the middle and to the slowest hundredth, a round each."""
    steady, crowd = await authors(at.on, at.client, at.size(FOLLOWERS, QUICK))
    await at.gather(crowd)
    found = []
    with counter(at.on.stage.console, "rounds beside a much followed author", at.rounds) as one:
        await steady.posts(at.seconds)
        for _ in range(at.rounds):
            found.append(added(await one_round(at.on, at.client, steady, crowd, at.seconds)))
            one()
    what = f"added to a post while one to {crowd.count:,} is fanned out in its partition"
    return [
        Row(f"{what}: p50", "ms", [each[0] * 1000 for each in found], Target()),
        Row(f"{what}: p99", "ms", [each[1] * 1000 for each in found], Target(most=30)),
    ]
