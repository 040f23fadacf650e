"""The limits on connections, of one address and in total; accepted connections are not affected."""

import asyncio

from tests.support.waiting import DEADLINE_SECONDS, until
from web.server.limits import Limits

GET = b"GET /users/ HTTP/1.1\r\nHost: a\r\n\r\n"


async def several(connect, front, count):
    """Open connections that are all in."""
    connections = [await connect(front) for _ in range(count)]
    await until(lambda: front.app.web.connections.open == count)
    return connections


async def test_one_address_has_so_many_and_no_more(make_front, connect, said):
    front = await make_front(limits=Limits(connections_per_address=3))
    those_in = await several(connect, front, 3)

    one_more = await connect(front)
    one_more.send(GET)
    answer = await said(one_more)

    assert (answer.status, answer.problem["type"]) == (503, "/problems/too-many-connections")
    assert (answer.headers["Connection"], answer.headers["Retry-After"]) == ("close", "2")
    assert answer.headers["X-Request-ID"] == answer.problem["requestId"]
    assert len(answer.body) == int(answer.headers["Content-Length"])
    for connection in those_in:
        connection.send(GET)
        assert (await connection.answer()).status == 200
    assert front.app.web.connections.refused == {"address": 1, "total": 0}


async def test_all_have_so_many_and_no_more(make_front, connect, said):
    front = await make_front(limits=Limits(connections=2, connections_per_address=0))
    await several(connect, front, 2)

    one_more = await connect(front)
    one_more.send(GET)

    assert (await said(one_more)).status == 503
    assert front.app.web.connections.refused == {"address": 0, "total": 1}


async def test_no_limit_for_an_address_is_none(make_front, connect):
    front = await make_front(limits=Limits(connections_per_address=0))

    await several(connect, front, 300)


async def test_a_cancelled_waiter_frees_its_place(make_front, connect):
    front = await make_front(limits=Limits(connections_per_address=1))
    for _ in range(3):
        [connection] = await several(connect, front, 1)
        connection.send(GET)
        assert (await connection.answer()).status == 200
        connection.writer.close()
        await until(lambda: front.app.web.connections.open == 0)


async def test_one_that_is_refused_and_stays_is_closed(make_front, connect, monkeypatch):
    monkeypatch.setattr("web.server.connection_limits.REJECTION_SECONDS", 0.1)
    front = await make_front(limits=Limits(connections_per_address=1))
    await several(connect, front, 1)

    refused = await connect(front)
    await until(lambda: front.app.web.connections._rejections == 1)

    await until(lambda: front.app.web.connections._rejections == 0)
    await refused.ended()
    assert front.app.web.connections.open == 1


async def test_of_many_that_are_refused_the_last_are_told_nothing(make_front, connect, monkeypatch):
    monkeypatch.setattr("web.server.connection_limits.MAX_REJECTIONS", 1)
    front = await make_front(limits=Limits(connections_per_address=1))
    await several(connect, front, 1)

    first, second = await connect(front), await connect(front)
    first.send(GET)

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await second.rest() == b""
        assert b"503" in await first.rest()
    assert front.app.web.connections.refused == {"address": 2, "total": 0}


async def test_each_that_is_refused_has_an_id_of_its_own(make_front, connect, said):
    front = await make_front(limits=Limits(connections_per_address=1))
    await several(connect, front, 1)

    refused = [await connect(front) for _ in range(3)]
    for connection in refused:
        connection.send(GET)

    assert len({(await said(connection)).problem["requestId"] for connection in refused}) == 3


async def test_a_refused_connection_without_a_request_gets_no_response(make_front, connect, monkeypatch):
    """A browser opens connections in advance, and would take what it is told for the answer to its next request."""
    monkeypatch.setattr("web.server.connection_limits.REJECTION_SECONDS", 0.1)
    front = await make_front(limits=Limits(connections_per_address=1))
    await several(connect, front, 1)

    refused = await connect(front)

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await refused.rest() == b""
