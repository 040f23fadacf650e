"""CORS headers on responses that no middleware sees: without them, a script could not read the error."""

import pytest

from web.server.limits import MAX_URL_BYTES, Limits

APP, OTHER, STRANGER = "https://app.example", "http://localhost:3000", "https://evil.example"
ALLOW, VARY = "Access-Control-Allow-Origin", "Vary"
SLOW = 0.3

EDGE = {
    "no HTTP": (b"GET /users/ HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\nX A: a\r\n\r\n", 400),
    "no HTTP, in two parts": (b"GET /users/ HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\n|X A: a\r\n\r\n", 400),
    "an old version": (b"GET /users/ HTTP/2.0\r\nHost: a\r\nOrigin: %s\r\n\r\n", 400),
    "a slow head": (b"GET /users/ HTTP/1.1\r\nHost: a\r\norigin:%s\r\n", 408),
    "a long path": (b"GET /" + b"x" * MAX_URL_BYTES + b" HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\n\r\n", 414),
    "an expectation": (b"GET /users/ HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\nExpect: x\r\n\r\n", 417),
    "a long header": (b"GET /users/ HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\nX: " + b"x" * 9_000 + b"\r\n\r\n", 431),
    "long headers": (
        b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\n" + (b"X: " + b"x" * 8_000 + b"\r\n") * 5 + b"\r\n",
        431,
    ),
}


@pytest.mark.parametrize(("data", "status"), EDGE.values(), ids=EDGE.keys())
@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (f"{APP}, {OTHER}", APP, APP),
        (f"{APP}, {OTHER}", OTHER, OTHER),
        (f"{APP}, {OTHER}", STRANGER, None),
        ("*", STRANGER, "*"),
        ("", APP, None),
    ],
)
async def test_an_answer_of_the_edge_may_be_read_by_whom_every_answer_may(
    make_front, connect, data, status, origins, origin, allowed
):
    front = await make_front(limits=Limits(head_seconds=SLOW) if status == 408 else Limits(), cors_origins=origins)
    connection = await connect(front)

    for part in (data % origin.encode()).split(b"|"):
        connection.send(part)
        await connection.writer.drain()
    answer = await connection.answer()

    assert (answer.status, answer.headers.get(ALLOW)) == (status, allowed)
    assert ("Access-Control-Expose-Headers" in answer.headers) is (allowed is not None)
    assert answer.headers.get(VARY) == ("Origin" if APP in origins else None)


async def test_so_may_what_is_said_to_a_connection_too_many(make_front, connect):
    front = await make_front(limits=Limits(connections_per_address=1), cors_origins=APP)
    await connect(front)
    refused = await connect(front)

    refused.send(b"GET /users/ HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\n\r\n" % APP.encode())
    answer = await refused.answer()

    assert (answer.status, answer.headers[ALLOW], answer.headers[VARY]) == (503, APP, "Origin")


async def test_so_may_a_failure_of_a_middleware(make_front, connect, monkeypatch):
    front = await make_front(cors_origins=APP)

    async def broken(request):
        raise ValueError

    monkeypatch.setattr(front.app.web._runner.server, "request_handler", broken)
    connection = await connect(front)

    connection.send(b"GET /users/ HTTP/1.1\r\nHost: a\r\nOrigin: %s\r\n\r\n" % APP.encode())
    answer = await connection.answer()

    assert (answer.status, answer.headers[ALLOW]) == (500, APP)
