"""The roster of workers, on a real server."""

from secrets import token_hex

from microblog_streams.stores.roster import NAMES, Roster, Worker


def worker(name):
    return Worker(name, "http://127.0.0.1:6066", "both", (1, 2))


async def test_announced_workers_are_listed_until_they_withdraw_or_fall_silent(redis, eventually):
    roster = Roster(redis)
    here, silent = f"a{token_hex(4)}", f"b{token_hex(4)}"
    await roster.announce(worker(here), ttl=30)
    await roster.announce(worker(silent), ttl=0.05)

    async def only_here():
        assert [found for found in await roster.workers() if found.name in (here, silent)] == [worker(here)]

    await eventually(only_here, AssertionError)
    await roster.withdraw(here)
    assert here not in {found.name for found in await roster.workers()}


async def test_what_another_release_wrote_is_passed_over(redis):
    roster, name = Roster(redis), f"c{token_hex(4)}"
    async with redis.translated() as client:
        await client.set(f"worker:{name}", b'{"name": 1}', ex=30)
        await client.zadd(NAMES, {name: 10**12})
    assert name not in {found.name for found in await roster.workers()}
    await roster.withdraw(name)
