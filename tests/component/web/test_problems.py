"""The status of each error that a view can raise, and that its document reveals nothing internal."""

import asyncio
import logging

import pytest
from faust.web.exceptions import ServiceUnavailable

from microblog_streams.domain.errors import (
    BrokerUnavailable,
    Conflict,
    NotMine,
    OutcomeUnknown,
    StoreUnavailable,
    Transient,
    UsernameTaken,
)

SECRET = "postgresql://microblog:secret@10.0.0.7/db"


@pytest.mark.parametrize(
    ("error", "kind", "detail"),
    [
        (StoreUnavailable("postgres", SECRET), "unavailable", "postgres is unavailable. Try again."),
        (BrokerUnavailable(SECRET), "unavailable", "kafka is unavailable; nothing was done. Try again."),
        (
            OutcomeUnknown(SECRET),
            "outcome-unknown",
            "The outcome is unknown; retry with the same Idempotency-Key.",
        ),
        (Transient(SECRET), "unavailable", "A service that this request needs is unavailable. Try again."),
    ],
)
async def test_a_part_that_is_away_is_a_503_that_says_when_to_try_again(front, problem, error, kind, detail):
    front.app.fail(error)

    response = await front.client.post("/posts/", json={"userId": 1, "content": "a"})

    assert (await problem(response, 503, kind))["detail"] == detail
    assert response.headers["Retry-After"] == "2"


@pytest.mark.parametrize("error", [RuntimeError(SECRET), TimeoutError(SECRET), NotMine(SECRET), KeyError("x")])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users/"),
        ("GET", "/users/1"),
        ("DELETE", "/users/1"),
        ("GET", "/users/1/posts"),
        ("GET", "/users/1/followers"),
        ("GET", "/users/1/followees"),
        ("POST", "/users/1/follow/2"),
        ("DELETE", "/users/1/follow/2"),
        ("GET", "/posts/1"),
        ("GET", "/timelines/1"),
    ],
)
async def test_an_unexpected_error_is_logged_and_hidden_from_the_client(front, problem, caplog, error, method, path):
    front.app.fail(error)

    response = await front.client.request(method, path)

    document = await problem(response, 500, "internal")
    assert document["detail"] == "An internal error occurred. It was logged."
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.message.startswith(f"request_failed method={method} route=/")
    assert record.message.endswith(f" path={path}")
    assert record.exc_info[1] is error


async def test_expected_errors_are_not_logged_as_ours(front, caplog):
    front.app.fail(StoreUnavailable("redis", "gone"))

    await front.client.get("/timelines/1")
    await front.client.get("/users/abc")

    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_any_conflict_is_a_409(front, problem):
    front.app.fail(Conflict("It is otherwise by now."))
    await problem(await front.client.delete("/users/1"), 409, "conflict")


async def test_a_name_taken_at_the_same_moment_is_a_409(front, problem):
    front.app.fail(UsernameTaken("dora"))
    await problem(await front.client.post("/users/", json={"username": "dora"}), 409, "username-taken", "username")


async def test_an_error_that_faust_raises_in_a_view_is_a_problem(front, problem):
    front.app.fail(ServiceUnavailable("no table here"))

    response = await front.client.get("/users/1")

    assert (await problem(response, 503, "service-unavailable"))["detail"] == "no table here"
    assert response.headers["Retry-After"] == "2"


async def test_an_error_of_a_faust_page_is_a_problem_to_the_holder_of_the_token(client, problem):
    response = await client.get(
        "/router/no-such-table/", headers={"Authorization": "Bearer correct-horse-battery-staple"}
    )
    await problem(response, 500, "internal")


async def test_a_request_that_takes_too_long_is_given_up(make_front, problem):
    front = await make_front(time_limit=0.05)
    front.app.fail(None)

    response = await front.client.post("/posts/", json={"userId": 1, "content": "a"})

    assert "unknown" in (await problem(response, 503, "too-slow"))["detail"]
    assert response.headers["Retry-After"] == "2"


async def test_a_body_that_does_not_come_is_given_up(make_front):
    front = await make_front(time_limit=0.05)
    reader, writer = await asyncio.open_connection(front.client.host, front.client.port)

    writer.write(b"POST /posts/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    head = await reader.readuntil(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in head
    writer.close()


HEAD = b"POST /posts/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "rest",
    [
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}ZZ\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n-1\r\n\r\n",
    ],
)
async def test_a_body_that_is_not_what_its_headers_say_is_refused(raw, caplog, rest):
    answer = await raw(HEAD + rest)

    assert answer.split()[1] == b"400"
    assert not [record for record in caplog.records if record.name.startswith("web")]


async def test_a_client_that_leaves_in_the_middle_is_no_error_of_ours(front, caplog):
    _, writer = await asyncio.open_connection(front.client.host, front.client.port)
    writer.write(HEAD + b"Content-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert (await front.client.get("/users/")).status == 200
    assert not [record for record in caplog.records if record.name.startswith("web")]
