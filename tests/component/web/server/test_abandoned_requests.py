"""A request whose client has left before the worker came to it: one that was frozen finds it in its socket.

Its client has repeated the call on another worker meanwhile, and may have done the opposite since.
"""

import asyncio
import socket

from tests.support.waiting import until

PROFILE = b'{"displayName": "Old"}'


def call(method: bytes, path: bytes, body: bytes = b"") -> bytes:
    headers = b"Host: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return method + b" " + path + b" HTTP/1.1\r\n" + headers + body


def send_and_leave(front, data):
    """Send a request and close, without a turn of the worker's loop in between."""
    with socket.create_connection((front.client.host, front.client.port)) as connection:
        connection.sendall(data)


async def come_to(front, requests):
    """Wait until the server has taken so many requests, and handles none."""
    server = front.app.web._runner.server
    await until(lambda: server.requests_count >= requests and not any(map(_handles, asyncio.all_tasks())))


def _handles(task):
    return "_handle_request" in task.get_coro().__qualname__


async def late(front, data):
    before = front.app.web._runner.server.requests_count
    send_and_leave(front, data)
    await come_to(front, before + 1)


async def test_an_unfollow_that_was_repeated_elsewhere_does_not_end_the_follow_that_came_after_it(front):
    await front.client.post("/users/1/follow/2")

    await late(front, call(b"DELETE", b"/users/1/follow/2"))

    followees = await (await front.client.get("/users/1/followees")).json()
    assert [user["id"] for user in followees] == [2]


async def test_a_change_of_a_profile_does_not_undo_the_one_that_came_after_it(front):
    assert (await front.client.patch("/users/1", json={"displayName": "New"})).status == 200

    await late(front, call(b"PATCH", b"/users/1", PROFILE))

    assert (await (await front.client.get("/users/1")).json())["displayName"] == "New"


async def test_one_whose_client_waits_is_served(front, connect):
    await front.client.post("/users/1/follow/2")
    connection = await connect(front)

    connection.send(call(b"DELETE", b"/users/1/follow/2"))

    assert (await connection.answer()).status == 200
    assert await (await front.client.get("/users/1/followees")).json() == []
