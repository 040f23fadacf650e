"""Slowloris: hundreds of slow connections do not keep others out."""

import asyncio
from contextlib import suppress

import pytest

from tests.support.waiting import DEADLINE_SECONDS, until
from web.server.limits import Limits

SLOW = 500
HEAD = b"GET /users/ HTTP/1.1\r\nHost: a\r\nX-A: "


@pytest.fixture
async def front(make_front):
    return await make_front(limits=Limits(head_seconds=6.0, connections=SLOW + 100, connections_per_address=0))


async def attack(connect, front, over):
    """Open a connection and send a byte every now and then, for as long as it takes them; come again until it is over.

    On a busy machine the first are cut off before the last are there.
    """
    while not over.is_set():
        with suppress(ConnectionError):
            connection = await connect(front)
            connection.send(HEAD)
            while not (connection.reader.at_eof() or connection.writer.is_closing()):
                connection.send(b"x")
                await connection.writer.drain()
                await asyncio.sleep(0.5)


async def test_five_hundred_slow_clients_are_cut_off_and_everybody_else_is_answered_meanwhile(front, connect):
    over, connections = asyncio.Event(), front.app.web.connections
    attacks = [asyncio.create_task(attack(connect, front, over)) for _ in range(SLOW)]

    statuses, most = [], 0
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (most > SLOW / 2 and len(statuses) > 5 and connections.cut["head"] > SLOW / 2):
            statuses.append((await front.client.get("/users/1")).status)
            most = max(most, connections.open)
            await asyncio.sleep(0.05)  # this process is the attackers too
        over.set()
        await asyncio.gather(*attacks)

    assert set(statuses) == {200}
    await until(lambda: connections.open <= 1)


async def test_slow_clients_of_one_address_leave_room_for_the_others(make_front, connect):
    """The slow ones fill what their address may have; another address still connects. Both are loopback here."""
    front = await make_front(limits=Limits(connections=100, connections_per_address=20))
    for _ in range(60):
        (await connect(front)).send(HEAD)
    await until(lambda: front.app.web.connections.refused["address"] == 40)

    other = await connect(front, local_addr=("127.0.0.2", 0))
    other.send(b"GET /users/1 HTTP/1.1\r\nHost: a\r\n\r\n")

    assert (await other.answer()).status == 200
    assert front.app.web.connections.open == 21
