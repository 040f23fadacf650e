"""Slow clients: every wait has a deadline, and a client that meets it is served."""

import asyncio
import socket

import pytest

from tests.support.waiting import DEADLINE_SECONDS, until
from web.server.limits import Limits

GET = b"GET /users/ HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /posts/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
#: 55 KB are its answer.
PAGE = b"GET /users/1/posts?limit=100 HTTP/1.1\r\nHost: a\r\n"
SOON = 0.3


@pytest.fixture
async def front(make_front):
    return await make_front(limits=Limits(head_seconds=SOON, send_seconds=SOON))


def cut(front):
    return dict(front.app.web.connections.cut)


async def trickle(connection, data):
    """Send a byte now and then, until the server has closed."""
    for byte in data:
        if connection.reader.at_eof():
            return
        connection.send(bytes([byte]))
        await asyncio.sleep(0.02)


async def pass_time(seconds):
    begin = asyncio.get_running_loop().time()
    await until(lambda: asyncio.get_running_loop().time() > begin + seconds)


@pytest.mark.parametrize("head", [GET, b"GET /", b"POST /posts/ HTTP/1.1\r\nHost: a\r\nContent-Type: appl"])
async def test_a_head_that_comes_byte_by_byte_is_cut_off_with_a_408(front, connect, said, head):
    connection = await connect(front)

    trickling = asyncio.create_task(trickle(connection, head.ljust(200, b"x")))
    answer = await said(connection)

    trickling.cancel()
    assert (answer.status, answer.problem["type"]) == (408, "/problems/request-timeout")
    assert answer.headers["X-Request-ID"] == answer.problem["requestId"]
    assert answer.headers["Connection"] == "close"
    assert cut(front) == {"head": 1, "send": 0}


async def test_a_connection_that_says_nothing_is_closed_without_a_word(front, connect):
    connection = await connect(front)

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await connection.rest() == b""
    assert cut(front) == {"head": 1, "send": 0}


async def test_the_second_request_of_a_connection_has_no_more_time_than_the_first(front, connect, said):
    connection = await connect(front)
    connection.send(GET + b"\r\n")
    assert (await connection.answer()).status == 200

    connection.send(b"GET /users/ HTT")

    assert (await said(connection)).status == 408


async def test_half_a_request_behind_another_ends_the_connection_after_the_others_answer(make_front, connect):
    front = await make_front(limits=Limits(head_seconds=SOON), time_limit=3 * SOON)
    front.app.fail(None)
    connection = await connect(front)

    connection.send(GET + b"\r\n")
    await until(lambda: any(each._request_in_progress for each in front.app.web._runner.server.connections))
    connection.send(b"GET /users/ HTT")
    answer = await connection.answer()

    assert (answer.status, answer.problem["type"]) == (503, "/problems/too-slow")
    assert await connection.rest() == b""


async def test_a_view_may_take_longer_than_a_head(make_front, connect):
    front = await make_front(limits=Limits(head_seconds=SOON), time_limit=3 * SOON)
    front.app.fail(None)
    connection = await connect(front)

    connection.send(GET + b"\r\n")

    assert (await connection.answer()).problem["type"] == "/problems/too-slow"
    assert cut(front) == {"head": 0, "send": 0}


async def test_so_may_a_body(front, connect):
    connection = await connect(front)
    body = b'{"userId": 1, "content": "hello"}'

    connection.send(POST + b"Content-Length: %d\r\n\r\n" % len(body))
    await trickle(connection, body)

    assert (await connection.answer()).status == 201
    assert cut(front) == {"head": 0, "send": 0}


async def test_so_may_the_pause_between_two_requests(front, connect):
    connection = await connect(front)
    connection.send(GET + b"\r\n")
    await connection.answer()

    await pass_time(2 * SOON)
    connection.send(GET + b"\r\n")

    assert (await connection.answer()).status == 200


async def test_a_head_in_two_parts_that_is_there_in_time_is_served(front, connect):
    connection = await connect(front)

    connection.send(GET)
    await asyncio.sleep(0)
    connection.send(b"\r\n")

    assert (await connection.answer()).status == 200
    await pass_time(2 * SOON)
    connection.send(GET + b"\r\n")
    assert (await connection.answer()).status == 200


async def test_a_client_that_expects_100_continue_gets_it(front, connect):
    connection = await connect(front)
    body = b'{"userId": 1, "content": "hello"}'

    connection.send(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
    told = await connection.answer()
    connection.send(body)

    assert (told.status, (await connection.answer()).status) == (100, 201)


@pytest.mark.parametrize("frame", [b"Content-Length: 60000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nea60\r\n"])
async def test_a_body_that_comes_byte_by_byte_has_its_deadline(make_front, connect, frame):
    front = await make_front(time_limit=SOON)
    connection = await connect(front)

    connection.send(POST + frame)
    trickling = asyncio.create_task(trickle(connection, b" " * 60_000))
    answer = await connection.answer()

    trickling.cancel()
    assert (answer.status, answer.problem["type"]) == (408, "/problems/request-timeout")


async def test_a_body_that_is_refused_is_not_read_for_long(make_front, connect, monkeypatch):
    monkeypatch.setattr("web.server.server.LINGER_SECONDS", SOON)
    front = await make_front()
    connection = await connect(front)

    connection.send(POST + b"Content-Length: 10000000\r\n\r\n")
    trickling = asyncio.create_task(trickle(connection, b" " * 60_000))

    assert (await connection.answer()).status == 413
    async with asyncio.timeout(DEADLINE_SECONDS):
        await connection.rest()
    trickling.cancel()


async def test_between_requests_a_connection_is_kept_for_a_while_only(make_front, connect, monkeypatch):
    monkeypatch.setattr("web.server.server.KEEP_ALIVE_SECONDS", SOON)
    front = await make_front()
    connection = await connect(front)
    connection.send(GET + b"\r\n")
    await connection.answer()

    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await connection.rest() == b""


async def test_a_client_that_does_not_read_its_answers_is_cut_off(front, deaf):
    deaf.send((PAGE + b"\r\n") * 2)

    await until(lambda: cut(front) == {"head": 0, "send": 1})
    await until(lambda: front.app.web.connections.open == 0)
    assert (await front.client.get("/users/")).status == 200


async def test_so_is_one_that_does_not_read_what_is_left_when_its_connection_closes(front, deaf):
    """The rest is below the transport's high-water mark, so only the deadline ends the connection."""
    deaf.send(PAGE + b"Connection: close\r\n\r\n")

    await until(lambda: cut(front) == {"head": 0, "send": 1})
    await until(lambda: front.app.web.connections.open == 0)


@pytest.fixture
async def deaf(front):
    """Return a client that reads nothing, at the end of a connection that has next to no buffers."""
    for _ in range(100):
        await front.app.operations.posts.create(1, "x" * 400)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.connect((front.client.host, front.client.port))
        await until(lambda: front.app.web.connections.open)
        [here] = front.app.web._runner.server.connections
        here.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        yield client
