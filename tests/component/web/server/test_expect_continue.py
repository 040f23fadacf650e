"""``Expect: 100-continue``: the body is asked for when it will be read, and not if the head alone is refused."""

import asyncio
import shutil
from contextlib import suppress

import pytest

from tests.support.waiting import DEADLINE_SECONDS

GET = b"GET /users/ HTTP/1.1\r\nHost: a\r\n\r\n"
BODY = b'{"userId": 1, "content": "hello"}'
EXPECT = b"Expect: 100-continue\r\n"
JSON = b"Content-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(BODY)
WRONG = b"Authorization: Bearer wrong\r\n"


def post(*lines, path=b"/posts/", method=b"POST", version=b"1.1"):
    return method + b" " + path + b" HTTP/" + version + b"\r\nHost: a\r\n" + b"".join(lines)


#: What is refused for its head, and what it is answered.
REFUSED = {
    "no token": (post(EXPECT, JSON, LENGTH), 401),
    "a wrong token": (post(EXPECT, JSON, WRONG, LENGTH), 401),
    "too long a body": (post(EXPECT, JSON, b"Content-Length: 70000\r\n\r\n"), 413),
    "another type": (post(EXPECT, b"Content-Type: text/plain\r\n", LENGTH, path=b"/users/"), 415),
    "no type": (post(EXPECT, LENGTH, path=b"/users/"), 415),
    "another charset": (
        post(EXPECT, b"Content-Type: application/json; charset=latin-1\r\n", LENGTH, path=b"/users/"),
        415,
    ),
    "a coding": (post(EXPECT, JSON, b"Content-Encoding: gzip\r\n", LENGTH, path=b"/users/"), 415),
    "another expectation": (post(b"Expect: miracles\r\n", JSON, LENGTH), 417),
    "two expectations": (post(b"Expect: 100-continue, miracles\r\n", JSON, LENGTH), 417),
    "another path": (post(EXPECT, JSON, LENGTH, path=b"/nothing"), 404),
    "another method": (post(EXPECT, JSON, LENGTH, method=b"PUT"), 405),
    "too long a path": (post(EXPECT, JSON, LENGTH, path=b"/" + b"x" * 9_000), 414),
    "chunks and a wrong token": (post(EXPECT, JSON, WRONG, b"Transfer-Encoding: chunked\r\n\r\n"), 401),
}


@pytest.fixture
async def front(make_front):
    return await make_front(auth="required")


@pytest.fixture
async def open_front(make_front):
    return await make_front()


@pytest.mark.parametrize(("head", "status"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_head_that_is_refused_gets_no_100_continue(front, connect, head, status):
    """As released, ``100 Continue`` comes before anybody has looked. What follows might be the body, so nothing may."""
    connection = await connect(front)

    connection.send(head)
    answer = await connection.answer()

    assert (answer.status, answer.headers["Connection"]) == (status, "close")
    connection.send(GET)
    with suppress(OSError):  # the server may have gone
        connection.writer.write_eof()
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await connection.rest() == b""


@pytest.mark.parametrize("expect", [EXPECT, b"expect: 100-Continue\r\n"])
async def test_a_body_that_will_be_read_is_asked_for_once(open_front, connect, expect):
    connection = await connect(open_front)

    for _ in range(2):
        connection.send(post(expect, JSON, LENGTH))
        assert (await connection.answer()).status == 100
        connection.send(BODY)
        answer = await connection.answer()
        assert answer.status == 201
        assert "Connection" not in answer.headers


async def test_a_body_that_is_here_already_is_not_asked_for(open_front, connect):
    connection = await connect(open_front)

    connection.send(post(EXPECT, JSON, LENGTH) + BODY + GET)

    assert [(await connection.answer()).status for _ in range(2)] == [201, 200]


@pytest.mark.parametrize("length", [b"", b"Content-Length: 0\r\n"])
async def test_where_there_is_no_body_nothing_is_asked_for_and_the_connection_goes_on(open_front, connect, length):
    connection = await connect(open_front)

    connection.send(GET.replace(b"\r\n\r\n", b"\r\n" + EXPECT + length + b"\r\n") + GET)

    assert [(await connection.answer()).status for _ in range(2)] == [200, 200]


async def test_an_http_1_0_client_gets_no_100_continue(open_front, connect):
    connection = await connect(open_front)

    connection.send(post(EXPECT, JSON, LENGTH, version=b"1.0"))
    await asyncio.sleep(0)
    connection.send(BODY)

    assert (await connection.answer()).status == 201


async def test_a_client_that_does_not_wait_is_refused_all_the_same(front, connect, said):
    connection = await connect(front)

    connection.send(post(EXPECT, JSON, WRONG, LENGTH) + BODY)

    assert (await connection.answer()).status == 401


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
async def test_curl_sends_no_body_that_is_refused(front):
    url = f"http://{front.client.host}:{front.client.port}/posts/"
    options = ["-H", "Expect: 100-continue", "-H", "Content-Type: application/json", "-H", "Authorization: Bearer x"]
    told = ["-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_upload}", "--expect100-timeout", "10"]

    curl = await asyncio.create_subprocess_exec(
        "curl", *told, *options, "--data", BODY.decode(), url, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await curl.communicate()

    assert output == b"401 0"
