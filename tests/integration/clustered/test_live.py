"""The log of a followed timeline while its slot moves: what it may lack is said, and a reset is logged afterwards."""

import asyncio
import secrets

from redis.crc import key_slot

from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.ports.live import Change
from microblog_streams.stores.redis.live import LiveLogs
from microblog_streams.stores.redis.timeline_keys import ClusterKeys
from tests.support.servers.moving_slots import MovingSlot
from tests.support.waiting import until


def user_alone(cluster):
    """Return a user whose slot is empty. The test pushes once for each key that moves, and a log keeps few pushes."""
    while cluster.keys_in(key_slot(ClusterKeys().of(user := secrets.randbits(60)))):
        pass
    return user


async def test_what_a_log_may_lack_while_its_slot_moves_is_known(cluster, redis, timelines):
    logs, user = LiveLogs(redis), user_alone(cluster)
    moving = MovingSlot(cluster, key_slot(ClusterKeys().of(user)))
    await timelines.create(user)
    [position] = await logs.listen([user])
    heard, entries = [], []

    async def hear(messages):
        async for users in messages:
            heard.append(users)

    async with logs.wakes() as messages:
        hearing = asyncio.create_task(hear(messages))
        moving.begin()
        while moving.carry(1):
            entries.append(encode_entry(new_post_id(), 1))
            assert await timelines.push([user], entries[-1]) == 1
        moving.end()
        logged = {arrival.value for arrival in await logs.since(user, position, 100)}
        lacking = [entry for entry in entries if entry not in logged]
        await until(lambda: () in heard)
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
    await logs.reset_all()

    assert 0 < len(lacking) < len(entries)
    assert (await logs.since(user, position, 100))[-1].change is Change.RESET
