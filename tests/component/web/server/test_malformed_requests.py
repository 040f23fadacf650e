"""Requests that are not HTTP, or too large, are refused without echoing them, and the server goes on."""

import asyncio
import gzip
import logging
from uuid import UUID

import pytest
from aiohttp.compression_utils import ZLibDecompressor

from tests.support.waiting import DEADLINE_SECONDS, until
from web.server.limits import MAX_HEAD_BYTES, MAX_HEADER_BYTES, MAX_HEADERS, MAX_URL_BYTES

GET = b"GET /users/ HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /posts/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
LONG = b"x" * (MAX_HEADER_BYTES + 1)
MANY = b"".join(b"X-%d: a\r\n" % number for number in range(10_000))

BAD = {
    "no HTTP at all": b"hello world\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
    "HTTP/0.9": b"GET /users/\r\n\r\n",
    "HTTP/2.0": b"GET /users/ HTTP/2.0\r\nHost: a\r\n\r\n",
    "a version that there is not": b"GET /users/ HTTP/7.7\r\nHost: a\r\n\r\n",
    "HTTP/2's first words": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"GET /users/ HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: b\r\n\r\n",
    "a null byte in the path": b"GET /users/\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a null byte in a header": GET + b"X-A: a\x00b\r\n\r\n",
    "a null byte in a header's name": GET + b"X\x00A: a\r\n\r\n",
    "a header without a name": GET + b": a\r\n\r\n",
    "a space before the colon": GET + b"X-A : a\r\n\r\n",
    "a folded header": GET + b"X-A: a\r\n b\r\n\r\n",
    "bare line feeds": b"GET /users/ HTTP/1.1\nHost: a\n\n",
    "a bare carriage return": GET + b"X-A: a\rb\r\n\r\n",
    "a length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "the same length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "a length that no number holds": POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n",
    "an encoding after chunked": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, nearly": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a chunk's size that is none": POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk's size that no number holds": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}",
    "a method that is none": b"G@T /users/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "a URL without a path": b"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
async def test_ambiguous_or_malformed_http_is_a_400_that_quotes_nothing(front, connect, said, data):
    connection = await connect(front)

    connection.send(data)

    answer = await said(connection)
    assert (answer.status, answer.problem["type"]) == (400, "/problems/bad-request")
    assert UUID(answer.problem["requestId"])
    assert answer.headers["X-Request-ID"] == answer.problem["requestId"]
    assert answer.problem["detail"] == "This is not a valid HTTP request."
    assert (await front.client.get("/users/")).status == 200


TOO_MUCH = {
    "a path": (b"GET /" + b"x" * MAX_URL_BYTES + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri-too-long"),
    "a query": (b"GET /users/?" + b"x" * MAX_URL_BYTES + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri-too-long"),
    "a URL without an end": (b"GET /" + b"x" * MAX_URL_BYTES * 20, 414, "uri-too-long"),
    "a value": (GET + b"X-A: " + LONG + b"\r\n\r\n", 431, "request-header-fields-too-large"),
    "a name": (GET + LONG + b": a\r\n\r\n", 431, "request-header-fields-too-large"),
    "a value without an end": (GET + b"X-A: " + LONG * 20, 431, "request-header-fields-too-large"),
    "10,000 headers": (GET + MANY + b"\r\n", 431, "request-header-fields-too-large"),
    "all headers": (GET + (b"X-A: " + b"x" * 8_000 + b"\r\n") * 5 + b"\r\n", 431, "request-header-fields-too-large"),
}


@pytest.mark.parametrize(("data", "status", "kind"), TOO_MUCH.values(), ids=TOO_MUCH.keys())
async def test_a_too_long_part_has_a_status_of_its_own(front, connect, said, data, status, kind):
    connection = await connect(front)

    connection.send(data)

    answer = await said(connection)
    assert (answer.status, answer.problem["type"]) == (status, f"/problems/{kind}")
    assert answer.headers["X-Request-ID"] == answer.problem["requestId"]
    assert b"xxx" not in answer.body
    assert (await front.client.get("/users/")).status == 200


async def test_a_head_that_comes_in_parts_may_be_no_longer_than_one_that_comes_at_once(front, connect, said):
    connection = await connect(front)

    connection.send(GET)
    for number in range(6):
        connection.send(b"X-%d: " % number + b"x" * 8_000 + b"\r\n")
        await connection.writer.drain()
        await asyncio.sleep(0)

    assert (await said(connection)).status == 431


async def test_the_longest_that_is_taken_is_taken(front, connect):
    connection = await connect(front)
    path = b"/users/?limit=1&cursor=".ljust(MAX_URL_BYTES, b"x")
    lines = [b"X-%d: " % number + b"x" * 200 + b"\r\n" for number in range(MAX_HEADERS - 1)]
    head = b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n" + b"".join(lines)
    assert len(head) < MAX_HEAD_BYTES

    connection.send(head + b"\r\n")
    too_wrong = await connection.answer()
    connection.send(GET + b"X-A: " + b"x" * MAX_HEADER_BYTES + b"\r\n\r\n")
    long_header = await connection.answer()

    assert (too_wrong.status, too_wrong.problem["type"]) == (400, "/problems/invalid")
    assert long_header.status == 200


OTHER = {
    "a whole URL": (b"GET http://b/users/ HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "a whole URL of elsewhere": (b"GET http://example.com/nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "a tunnel": (b"CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "the server itself": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "an upgrade": (GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
    "an upgrade to HTTP/2": (GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200),
    "a trace": (b"TRACE /users/ HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "HTTP/1.0": (b"GET /users/ HTTP/1.0\r\n\r\n", 200),
    "a null byte, encoded": (b"GET /users/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a way up": (b"GET /users/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    "half a character": (b"GET /users/\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "an expectation": (GET + b"Expect: <miracles>\r\n\r\n", 417),
    "a host that is none": (b"GET /users/ HTTP/1.1\r\nHost: a b:c\r\n\r\n", 200),
}


@pytest.mark.parametrize(("data", "status"), OTHER.values(), ids=OTHER.keys())
async def test_what_is_unusual_gets_a_plain_answer_and_nothing_is_fetched(front, connect, data, status):
    connection = await connect(front)

    connection.send(data)

    answer = await connection.answer()
    assert answer.status == status
    assert UUID(answer.headers["X-Request-ID"])
    assert b"miracles" not in answer.body
    assert (await front.client.get("/users/")).status == 200


async def test_an_unknown_expectation_is_a_problem_with_the_id_that_was_sent(front, connect, said):
    connection = await connect(front)

    connection.send(GET + b"Expect: x\r\nX-Request-ID: mine\r\n\r\n")

    answer = await said(connection)
    assert answer.problem["type"] == "/problems/expectation-failed"
    assert answer.headers["X-Request-ID"] == answer.problem["requestId"] == "mine"


async def test_garbage_behind_a_request_ends_the_connection_after_its_answer(front, connect):
    connection = await connect(front)

    connection.send(GET + b"\r\n")
    first = await connection.answer()
    connection.send(b"\x00\x01\x02 garbage \r\n\r\n")
    second = await connection.answer()

    assert (first.status, second.status) == (200, 400)
    await connection.ended()


@pytest.mark.parametrize("rest", [b"ZZ\r\n", b"-1\r\n", b"5\r\nhello, and more\r\n"])
async def test_a_body_that_breaks_off_its_framing_is_answered_at_once(front, connect, said, rest):
    """As released, the view waits for the rest until its time is over."""
    connection = await connect(front)

    connection.send(POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
    await _under_way(front)
    connection.send(rest)

    async with asyncio.timeout(DEADLINE_SECONDS):
        answer = await said(connection)
    assert (answer.status, answer.problem["errors"][0]["field"]) == (400, "body")


BOMB = gzip.compress(b" " * 50_000_000)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "x"])
async def test_a_body_that_unfolds_is_not_unfolded(front, problem, coding):
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}

    response = await front.client.post("/posts/", data=BOMB[: 60 * 1024], headers=headers)

    assert "not compressed" in (await problem(response, 415, "unsupported-media-type"))["detail"]


async def test_a_body_may_say_that_it_is_as_it_is(front):
    headers = {"Content-Type": "application/json", "Content-Encoding": "identity"}

    response = await front.client.post("/posts/", data=b'{"userId": 1, "content": "hello"}', headers=headers)

    assert response.status == 201


async def test_what_is_not_read_is_not_unfolded_either(front, monkeypatch):
    """As released, the rest of a refused body is thrown away after it was unfolded."""
    monkeypatch.setattr(ZLibDecompressor, "decompress_sync", None)

    response = await front.client.put("/users/1", data=BOMB[: 60 * 1024], headers={"Content-Encoding": "gzip"})

    assert response.status == 405
    assert (await front.client.get("/users/")).status == 200


async def test_nothing_that_strangers_send_is_logged_as_an_error(front, connect, said, caplog):
    for data in BAD.values():
        connection = await connect(front)
        connection.send(data)
        await said(connection)

    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def _under_way(front):
    """Wait until a view waits for its request's body."""
    server = front.app.web._runner.server
    await until(lambda: any(connection._request_in_progress for connection in server.connections))
