"""Shutdown: requests in progress are finished, idle and slow connections closed, all within its time."""

import asyncio

import pytest

from tests.support.waiting import until

GET = b"GET /users/ HTTP/1.1\r\nHost: a\r\n"
#: What a stop lasts at most on a busy machine. Where it waits for a client, it takes aiohttp's 60 s.
IN_TIME_SECONDS = 30
POST = b"POST /posts/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n"


@pytest.fixture
def finish(monkeypatch):
    monkeypatch.setattr("web.server.server.SHUTDOWN_SECONDS", 0.3)


async def under_way(front):
    server = front.app.web._runner.server
    await until(lambda: any(connection._request_in_progress for connection in server.connections))


async def test_a_request_under_way_is_answered(front, connect, monkeypatch):
    go_on, page = asyncio.Event(), front.app.operations.users.page

    async def slow_page(*arguments):
        await go_on.wait()
        return await page(*arguments)

    monkeypatch.setattr(type(front.app.operations.users), "page", lambda _, *arguments: slow_page(*arguments))
    connection = await connect(front)
    connection.send(GET + b"\r\n")
    await under_way(front)

    stopping = asyncio.create_task(front.app.web._runner.cleanup())
    await until(lambda: not front.app.web._runner.sites)
    go_on.set()

    assert (await connection.answer()).status == 200
    async with asyncio.timeout(IN_TIME_SECONDS):
        await stopping


async def test_one_whose_body_is_on_its_way_is_answered_too(front, connect):
    """As released, what comes after the stop began is thrown away."""
    connection = await connect(front)
    connection.send(POST + b'{"userId": 1, ')
    await under_way(front)

    stopping = asyncio.create_task(front.app.web._runner.cleanup())
    await until(lambda: not front.app.web._runner.sites)
    connection.send(b'"content": "hello"}')

    assert (await connection.answer()).status == 201
    async with asyncio.timeout(IN_TIME_SECONDS):
        await stopping


async def test_one_whose_body_does_not_come_is_not_waited_for(front, connect):
    connection = await connect(front)
    connection.send(POST + b'{"userId": 1, ')
    await under_way(front)

    async with asyncio.timeout(IN_TIME_SECONDS):
        await front.app.web._runner.cleanup()
    await connection.ended()


async def test_one_that_does_not_end_holds_nothing_up(finish, make_front, connect):
    front = await make_front()
    front.app.fail(None)
    connection = await connect(front)
    connection.send(GET + b"\r\n")
    await under_way(front)

    async with asyncio.timeout(IN_TIME_SECONDS):
        await front.app.web._runner.cleanup()
    await connection.ended()


@pytest.mark.parametrize("sent", [b"", b"GET /users/ HT"])
async def test_neither_does_one_that_waits_for_its_client(finish, make_front, connect, sent):
    front = await make_front()
    connection = await connect(front)
    connection.send(sent)
    await until(lambda: front.app.web.connections.open == 1)

    async with asyncio.timeout(IN_TIME_SECONDS):
        await front.app.web._runner.cleanup()
    await connection.ended()
    await until(lambda: front.app.web.connections.open == 0)
