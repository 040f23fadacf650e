"""One post to a million warm followers, from the answer to POST until the last timeline has it."""

from time import perf_counter
from typing import Final

from benchmarks.arrival import until_arrived
from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.crowd import Crowd
from benchmarks.scenes import ARRIVE

FOLLOWERS, QUICK = 1_000_000, 50_000
#: The followers that a fan-out reaches last.
LAST: Final = 1_000


async def measure(at: Setting) -> list[Row]:
    """Return pushes a second beside what Redis alone can take, and the seconds until the last."""
    crowd = Crowd(await at.client.register(), at.size(FOLLOWERS, QUICK))
    await at.gather(crowd)
    rates, ceilings, seconds = [], [], []
    with counter(at.on.stage.console, f"posts to {crowd.count:,} followers", at.rounds + at.warm_up) as one:
        for _ in range(at.rounds + at.warm_up):
            ceilings.append((await at.ceiling("pushes", crowd.people[0], crowd.count))["rate"])
            seconds.append(await _post(at, crowd))
            rates.append(crowd.count / seconds[-1])
            one()
    await _complete(at, crowd)
    what = f"fan-out of one post to {crowd.count:,} warm followers"
    return [
        Row(
            what,
            "pushes/s",
            rates[at.warm_up :],
            Target(ratio=0.8),
            "Redis alone, same Lua and batches",
            ceilings[at.warm_up :],
        ),
        Row("the same, POST answered to last timeline", "s", seconds[at.warm_up :], Target(most=2.5)),
    ]


async def _post(at: Setting, crowd: Crowd) -> float:
    item = await at.client.post(crowd.author, "to everybody")
    answered = perf_counter()
    return await until_arrived(at.on.redis, item, crowd.people[-LAST:], ARRIVE) - answered


async def _complete(at: Setting, crowd: Crowd) -> None:
    """Raise where an entry is missing: fast and wrong is not fast."""
    wanted, found = crowd.count * 2 * (at.rounds + at.warm_up), await crowd.entries(at.on.redis)
    if found != wanted:
        raise RuntimeError(f"the timelines hold {found:,} entries, not {wanted:,}")
