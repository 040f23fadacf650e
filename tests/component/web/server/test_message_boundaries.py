"""Where one message ends and the next begins (RFC 9112, sections 2.2, 6 to 9): each is charged its own bytes and time.

Raw sockets send what a client or a proxy may send on one connection, cut where a network may cut it.
"""

import asyncio
import contextlib
import http.client
import json
import re
import shutil

import pytest

from tests.support.waiting import DEADLINE_SECONDS, until
from web.server.connection import GuardedHandler
from web.server.framing import FixedLengthBody
from web.server.limits import MAX_HEAD_BYTES, Limits

GET = b"GET /users/ HTTP/1.1\r\nHost: a\r\n\r\n"
WHO = b"GET /tokens/ HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /posts/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
BODY = b'{"userId": 1, "content": "hello"}'
LENGTH = b"Content-Length: %d\r\n\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY)
SOON = 0.3

#: A post, by the parts that come one after the other.
IN_PARTS = {
    "a length": [POST + LENGTH, BODY],
    "a length, cut in the body": [POST + LENGTH + BODY[:9], BODY[9:]],
    "a length, cut in the head": [POST, LENGTH + BODY],
    "a length, byte by byte": [POST + LENGTH, *(bytes([each]) for each in BODY)],
    "chunks": [POST + CHUNKED, CHUNKS + b"\r\n"],
    "chunks, their end apart": [POST + CHUNKED + CHUNKS[:-3], CHUNKS[-3:] + b"\r\n"],
    "chunks, byte by byte": [POST + CHUNKED, *(bytes([each]) for each in CHUNKS + b"\r\n")],
    "chunks with extensions": [POST + CHUNKED, CHUNKS.replace(b"\r\n", b";a=b\r\n", 1), b"000;c\r\n\r\n"[-2:]],
    "chunks with trailers": [POST + CHUNKED + CHUNKS, b"X-Sum: 1\r\n", b"X-More: 2\r\n\r\n"],
    "an empty line behind": [POST + LENGTH + BODY, b"\r\n"],
    "told to go on": [POST + b"Expect: 100-continue\r\n" + LENGTH, BODY],
}


@pytest.fixture
async def front(make_front):
    return await make_front(limits=Limits(head_seconds=SOON, send_seconds=SOON))


async def final(connection):
    """Return the next answer that is not "go on"."""
    answer = await connection.answer()
    return await connection.answer() if answer.status == 100 else answer


async def in_parts(connection, parts):
    for part in parts:
        connection.send(part)
        await connection.writer.drain()
        await asyncio.sleep(0.002)


async def pass_time(seconds):
    begin = asyncio.get_running_loop().time()
    await until(lambda: asyncio.get_running_loop().time() > begin + seconds)


@pytest.mark.parametrize("parts", IN_PARTS.values(), ids=IN_PARTS.keys())
async def test_after_a_post_in_parts_a_connection_may_be_idle_and_is_used_again(front, connect, parts):
    """As it was, the last part of a body began the deadline of a next head: an unasked 408 on an idle connection."""
    connection = await connect(front)

    await in_parts(connection, parts)
    first = await final(connection)
    await pass_time(2 * SOON)
    connection.send(GET)
    second = await connection.answer()

    assert (first.status, second.status) == (201, 200)
    assert front.app.web.connections.cut["head"] == 0


@pytest.mark.parametrize("parts", IN_PARTS.values(), ids=IN_PARTS.keys())
async def test_requests_in_one_segment_are_answered_one_by_one(front, connect, parts):
    connection = await connect(front)

    connection.send(b"".join(parts) * 2 + GET + b"".join(parts))

    assert [(await final(connection)).status for _ in range(4)] == [201, 201, 200, 201]
    await pass_time(2 * SOON)
    assert front.app.web.connections.cut["head"] == 0


@pytest.mark.parametrize("chunk", [200_000, 60_000, 1_000])
async def test_a_body_of_chunks_that_is_too_large_is_a_413(make_front, connect, chunk):
    front = await make_front()
    connection = await connect(front)
    count = 200_000 // chunk

    connection.send(POST + CHUNKED)
    connection.send((b"%x\r\n" % chunk + b" " * chunk + b"\r\n") * count + b"0\r\n\r\n")
    answer = await connection.answer()
    connection.send(GET)

    assert (answer.status, answer.problem["type"]) == (413, "/problems/request-entity-too-large")
    assert (await connection.answer()).status == 200


@pytest.mark.parametrize("framed", [False, True], ids=["a length", "chunks"])
async def test_a_body_that_is_longer_than_a_head_may_be_is_read(make_front, connect, framed):
    front = await make_front()
    connection = await connect(front)
    body = BODY.ljust(MAX_HEAD_BYTES + 20_000)
    head = CHUNKED if framed else b"Content-Length: %d\r\n\r\n" % len(body)
    frame = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if framed else body

    await in_parts(connection, [POST + head, frame])

    assert (await connection.answer()).status == 201


async def test_half_a_head_that_came_with_the_message_before_it_has_its_own_deadline(front, connect, said):
    """As it was, its time began with its second segment."""
    for before in (GET, POST + LENGTH + BODY, POST + CHUNKED + CHUNKS + b"\r\n"):
        connection = await connect(front)
        connection.send(before + b"GET /users/ HTT")
        await connection.answer()
        assert (await said(connection)).status == 408


async def test_a_request_in_front_of_garbage_in_one_segment_is_answered(front, connect):
    connection = await connect(front)

    connection.send(GET + b"\x00 garbage\r\n\r\n")

    assert [(await connection.answer()).status for _ in range(2)] == [200, 400]
    await connection.ended()


async def test_trailers_are_no_headers_of_the_next_request(make_front, connect):
    """As released, the last trailer of a body is the first header of the request behind it."""
    front = await make_front(auth="required")
    token = (await front.app.operations.access.register("dora", None)).token
    trailer = b"X-Request-ID: mine\r\nAuthorization: Bearer " + token.get_secret_value().encode() + b"\r\n"
    connection = await connect(front)

    connection.send(POST + CHUNKED + CHUNKS + trailer + b"\r\n" + WHO)
    await connection.answer()
    answer = await connection.answer()

    assert answer.status == 401
    assert answer.headers["X-Request-ID"] != "mine"


@pytest.mark.parametrize("trailers", [b"no trailer\r\n", b"X-A: " + b"x" * 40_000 + b"\r\n", b"X-A: a\r\n" * 1000])
async def test_trailers_that_are_none_or_too_many_end_the_connection(front, connect, trailers):
    connection = await connect(front)

    await in_parts(connection, [POST + CHUNKED, CHUNKS + trailers + b"\r\n"])

    assert (await connection.answer()).status == 400
    await connection.ended()


@pytest.fixture
def arriving(monkeypatch):
    """Has bytes arrive when a request was taken from its connection's queue, and its view has not begun yet."""

    def arrive(data):
        created = GuardedHandler.__init__

        def create(handler, *args, **options):
            created(handler, *args, **options)
            factory = handler._request_factory

            def make(message, payload, protocol, *rest):
                request = factory(message, payload, protocol, *rest)
                protocol.data_received(data)
                return request

            handler._request_factory = make

        monkeypatch.setattr(GuardedHandler, "__init__", create)

    return arrive


async def test_a_body_that_turns_out_invalid_just_before_its_view_begins_is_not_taken_for_whole(
    arriving, front, connect
):
    arriving(CHUNKS + b"no trailer\r\n\r\n")
    connection = await connect(front)

    connection.send(POST + CHUNKED)

    assert (await connection.answer()).status == 400
    await connection.ended()


#: Chunks whose end the parser saw elsewhere than we did: 40 zeros in front of a size were cut.
SMUGGLING = POST + CHUNKED + b"0" * 40 + b"7\r\nhi\r\n\r\nx\r\n0\r\n\r\n" + GET[:-2] + b"X: "


@pytest.mark.parametrize("parts", [[SMUGGLING], [bytes([each]) for each in SMUGGLING]], ids=["one", "bytes"])
async def test_a_header_of_a_request_behind_chunks_never_becomes_a_request(make_front, connect, parts):
    front = await make_front()  # byte by byte, a head takes long on a busy machine
    connection = await connect(front)

    with contextlib.suppress(ConnectionError):
        await in_parts(connection, [*parts, WHO])

    async with asyncio.timeout(DEADLINE_SECONDS):
        answers = re.findall(rb"HTTP/1.1 (\d+)", await connection.rest())
    assert set(answers) <= {b"400"}  # none where what is sent behind it makes the closed connection a reset


@pytest.mark.parametrize("wrong", [-9, -1, 1, 9])
async def test_a_connection_ends_where_the_parser_ends_a_body_elsewhere(front, connect, monkeypatch, wrong):
    """No such body is known: the edge is made to count wrongly."""
    monkeypatch.setattr("web.server.connection.expected_body", lambda _: FixedLengthBody(len(BODY) + wrong))
    connection = await connect(front)

    connection.send(POST + LENGTH + BODY + GET)

    assert (await connection.answer()).status == 400
    assert await connection.rest() == b""


#: Bodies whose end is not as certain as it should be, and what is behind their head.
UNCERTAIN = {
    "a size of 17 digits": CHUNKED + b"0" * 16 + b"1\r\na\r\n0\r\n\r\n",
    "a last size of 17 digits": CHUNKED + b"1\r\na\r\n" + b"0" * 17 + b"\r\n\r\n",
    "zeros without end": CHUNKED + b"0" * 10_000,
    "a long extension": CHUNKED + b"1;" + b"x" * 200 + b"\r\na\r\n0\r\n\r\n",
    "an underscore": CHUNKED + b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
    "a size in spaces": CHUNKED + b" 1 \r\na\r\n0\r\n\r\n",
    "a longer chunk than told": CHUNKED + b"1\r\nabc\r\n0\r\n\r\n",
    "a bare line feed": CHUNKED + b"1\na\r\n0\r\n\r\n",
    "1,025 chunks": CHUNKED + b"1\r\na\r\n" * 1_024 + b"0\r\n\r\n",
    "a length of 5,001 digits": b"Content-Length: " + b"0" * 5_000 + b"5\r\n\r\nhello",
    "a length of 5,000 zeros": b"Content-Length: " + b"0" * 5_000 + b"\r\n\r\n",
    "a length of 21 digits": b"Content-Length: " + b"0" * 20 + b"5\r\n\r\nhello",
}


@pytest.mark.parametrize("together", [True, False], ids=["with its head", "behind its head"])
@pytest.mark.parametrize("rest", UNCERTAIN.values(), ids=UNCERTAIN.keys())
async def test_a_body_whose_end_is_uncertain_is_a_400_and_ends_the_connection(front, connect, rest, together):
    connection = await connect(front)
    head, _, body = rest.partition(b"\r\n\r\n")

    at_once = together or b"Length" in head  # refused with its head: what came later would meet a closed connection
    await in_parts(connection, [POST + rest + GET] if at_once else [POST + head + b"\r\n\r\n", body + GET])

    assert (await connection.answer()).status == 400
    assert await connection.rest() == b""


@pytest.mark.parametrize("rest", UNCERTAIN.values(), ids=UNCERTAIN.keys())
async def test_an_unread_body_closes_the_connection_without_an_error(front, connect, caplog, rest):
    """As it was, the parser's error on the way of such a body was logged with its traceback."""
    connection = await connect(front)
    head, _, body = rest.partition(b"\r\n\r\n")

    connection.send(GET[:-2] + head + b"\r\n\r\n")
    answer = await connection.answer()
    connection.send(body + GET)

    assert answer.status == (400 if b"Length" in rest else 200)
    assert await connection.rest() == b""
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("together", [True, False], ids=["with its head", "behind its head"])
async def test_a_body_of_too_many_chunks_is_refused_with_the_reason(front, connect, together):
    connection = await connect(front)
    chunks = b"1\r\na\r\n" * 2_000

    await in_parts(connection, [POST + CHUNKED + chunks] if together else [POST + CHUNKED, chunks])

    answer = await connection.answer()
    assert answer.status == 400
    assert answer.problem["errors"] == [
        {"field": "body", "message": "has more than 1,024 chunks; send it in fewer"},
    ]
    await connection.ended()


async def test_a_body_of_as_many_chunks_as_may_be_is_read(front, connect):
    connection = await connect(front)
    body = BODY.ljust(1_023)

    connection.send(POST + CHUNKED + b"".join(b"1\r\n%c\r\n" % each for each in body) + b"0\r\n\r\n" + GET)

    assert [(await connection.answer()).status for _ in range(2)] == [201, 200]


@pytest.mark.parametrize("size", [131_071, 131_072, 131_073, 262_144, 262_145])
async def test_a_body_of_the_parsers_buffer_s_size_is_followed_by_others(front, connect, size):
    """The parser pauses with the byte that fills its buffer, which may be the body's last."""
    connection = await connect(front)

    connection.send(POST.replace(b"/posts/", b"/nothing/") + b"Content-Length: %d\r\n\r\n" % size + b" " * size + GET)

    assert [(await connection.answer()).status for _ in range(2)] == [404, 200]


EMPTY = {
    "no length": b"GET /users/1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a length of 0": b"GET /users/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "no chunk": b"GET /users/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a body of a GET": b"GET /users/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "a body that is a request": b"GET /users/1 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(GET) + GET,
    "an upgrade": b"GET /users/1 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
}


@pytest.mark.parametrize("request_", EMPTY.values(), ids=EMPTY.keys())
async def test_requests_without_a_body_or_with_an_unread_one_keep_the_connection(front, connect, request_):
    connection = await connect(front)

    connection.send(request_ + POST + LENGTH + BODY + request_)
    statuses = [(await connection.answer()).status for _ in range(3)]
    await pass_time(2 * SOON)
    connection.send(GET)

    assert [*statuses, (await connection.answer()).status] == [200, 201, 200, 200]
    assert front.app.web.connections.cut["head"] == 0


async def test_an_answer_to_head_has_no_body_that_the_next_answer_would_begin_with(front, connect):
    connection = await connect(front)

    connection.send(GET.replace(b"GET", b"HEAD") + GET)
    head = (await connection.reader.readuntil(b"\r\n\r\n")).split(b"\r\n")

    assert head[0] == b"HTTP/1.1 200 OK"
    assert (await connection.answer()).status == 200


async def test_nothing_is_read_behind_a_request_that_closes_its_connection(front, connect):
    connection = await connect(front)

    connection.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + POST + LENGTH + BODY)
    answer = await connection.answer()

    assert (answer.status, answer.headers["Connection"]) == (200, "close")
    assert await connection.rest() == b""
    assert not front.app.log.events


async def test_more_requests_at_once_than_are_queued_are_all_answered(front, connect):
    connection = await connect(front)

    connection.send((GET + POST + LENGTH + BODY) * 200)

    assert [(await connection.answer()).status for _ in range(400)] == [200, 201] * 200


async def test_python_s_own_client_posts_and_comes_back_later(front):
    """It sends head and body in two segments."""
    connection = http.client.HTTPConnection(front.client.host, front.client.port, timeout=10)

    def ask(method, path, *content):
        connection.request(method, path, *content)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    for _ in range(3):
        status, _ = await asyncio.to_thread(ask, "POST", "/posts/", BODY, {"Content-Type": "application/json"})
        assert status == 201
        await pass_time(2 * SOON)
        status, user = await asyncio.to_thread(ask, "GET", "/users/1")
        assert (status, user["id"]) == (200, 1)
    connection.close()
    assert front.app.web.connections.cut["head"] == 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
@pytest.mark.parametrize("options", [["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"], []])
async def test_curl_uses_its_connection_again(front, options):
    url = f"http://{front.client.host}:{front.client.port}"
    post = ["-sS", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\\n", "-H", "Content-Type: application/json"]
    post += [*options, "--data", BODY.decode(), f"{url}/posts/"]
    late = ["-sS", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\\n", f"{url}/users/1"]

    curl = await asyncio.create_subprocess_exec(
        "curl", *post, "--next", "--rate", "1/s", *late, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await curl.communicate()

    assert output.split(b"\n")[:-1] == [b"201 1", b"200 0"]
