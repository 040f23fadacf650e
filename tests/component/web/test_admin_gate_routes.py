"""Every route of the real application but those of the API is a 404 without the admin token.

The application as a worker starts it, with every route that Faust mounts at a start; its stores are never reached.
"""

import asyncio
import re

import pytest
from aiohttp.test_utils import TestClient, TestServer

from microblog_streams.config.settings import Settings
from tests.support.waiting import DEADLINE_SECONDS
from web.routes import PUBLIC

TOKEN = "correct-horse-battery-staple"
UNKNOWN = "/nothing/here"
#: What other spellings do to a path. A server, a proxy or a careless comparison may take them for the path itself.
SPELLINGS = {
    "as it is": lambda path: path,
    "slash or none": lambda path: path.removesuffix("/") if path.endswith("/") else path + "/",
    "two slashes": lambda path: "/" + path,
    "two slashes at the end": lambda path: path.rstrip("/") + "//",
    "encoded slash": lambda path: path.rstrip("/") + "%2f",
    "encoded slash first": lambda path: "/%2F" + path[1:],
    "encoded letters": lambda path: "".join(f"%{ord(letter):02x}" if letter.isalpha() else letter for letter in path),
    "encoded twice": lambda path: "".join(f"%25{ord(letter):x}" if letter.isalpha() else letter for letter in path),
    "upper case": str.upper,
    "dot": lambda path: "/." + path,
    "encoded dot": lambda path: "/%2e" + path,
    "up from health": lambda path: "/health/.." + path,
    "a query of the API": lambda path: path + "?path=/users/",
    "parameters": lambda path: path + ";path=/users/",
    "whole URL": lambda path: "http://127.0.0.1" + path,
    "zero byte": lambda path: path + "%00",
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "SEARCH", "PURGE"]


@pytest.fixture(scope="module")
def routed(module_application):
    return module_application(Settings(admin_token=TOKEN, metrics_networks=())).web.web_app


@pytest.fixture
async def client(routed):
    routed._loop = None  # aiohttp binds an application to the loop that served it first
    async with TestClient(TestServer(routed)) as client:
        yield client


@pytest.fixture
def locked(client):
    """The paths of all routes that are not public, with something in the place of their parameters."""
    resources = client.app.router.resources()
    return [re.sub(r"{\w+}", "1", each.canonical) for each in resources if each.canonical not in PUBLIC]


@pytest.fixture
def answers(client):
    """Send requests on one connection; return their answers without the date."""

    async def answers(*heads, headers=""):
        reader, writer = await asyncio.open_connection(client.host, client.port)
        for number, head in enumerate(heads, 1):
            connection = "close" if number == len(heads) else "keep-alive"
            lines = f"{head} HTTP/1.1\r\nHost: a\r\nX-Request-ID: same\r\n{headers}Connection: {connection}\r\n\r\n"
            writer.write(lines.encode())
        received = await asyncio.wait_for(reader.read(), DEADLINE_SECONDS)
        writer.close()
        return re.split(rb"(?=HTTP/1\.[01] )", re.sub(rb"(Date|Connection): [^\r]*\r\n", b"", received))[1:]

    return answers


def test_there_is_something_to_lock(locked):
    assert {"/table/1/1/", "/router/topics", "/assignment/", "/graph/", "/performance/", "/metrics"} <= {*locked}


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_it_is_like_a_path_that_is_not_there(answers, locked, spelling):
    """By any method and in any spelling, to the last byte."""
    targets = [SPELLINGS[spelling](path) for path in locked if path != "/"]
    unknown = await answers(*(f"{method} {UNKNOWN}" for method in METHODS))

    found = await answers(*(f"{method} {target}" for method in METHODS for target in targets))

    assert {answer[:13] for answer in unknown} == {b"HTTP/1.1 404 "}
    assert len(unknown) == len(METHODS)
    assert found == [answer for answer in unknown for _ in targets]


@pytest.mark.parametrize("method", ["CONNECT", "BREW", "get", "GET,POST", "X" * 100])
async def test_an_unknown_method_reaches_no_handler(answers, locked, method):
    """The server itself refuses it, and quotes it, before any route is looked for."""
    found = [await answers(f"{method} {path}") for path in [*locked, UNKNOWN]]

    assert {answer[9:12] for [answer] in found} <= {b"400", b"404"}
    assert len({answer[:12] for [answer] in found}) == 1


@pytest.mark.parametrize(
    "header",
    [
        "Expect: 100-continue",
        "Expect: nothing",
        "X-HTTP-Method-Override: OPTIONS",
        "X-Original-URL: /users/",
        "X-Forwarded-Prefix: /users",
        "X-Forwarded-For: 127.0.0.1",
        "X-Microblog-Routed: 1",
        "Cookie: token=x",
        "Upgrade: websocket",
        "Content-Length: 0",
        "Authorization: Bearer wrong",
        f"Authorization: Bearer wrong\r\nAuthorization: Bearer {TOKEN}",
        f"Proxy-Authorization: Bearer {TOKEN}",
    ],
)
async def test_so_it_is_with_headers_that_open_other_locks(answers, locked, header):
    unknown = await answers(f"GET {UNKNOWN}", headers=header + "\r\n")

    found = {path: await answers(f"GET {path}", headers=header + "\r\n") for path in locked}

    assert unknown
    assert found == dict.fromkeys(locked, unknown)


@pytest.mark.parametrize("way", ["../", "%2e%2e/", "..%2f", "%2e%2e%2f", "..\\", "..%5c", "..%252f"])
async def test_a_way_up_from_a_users_id_is_no_way(answers, locked, way):
    """Where the API's own route takes it, it is the id of a user, and a bad one."""
    found = await answers(*(f"GET /users/{way}{path[1:]}" for path in locked))

    assert len(found) == len(locked)
    assert all(answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ")) for answer in found)
    assert all(b"Content-Type: application/problem+json" in answer for answer in found)


async def test_a_token_in_the_path_opens_nothing(answers, locked):
    targets = [f"{path}?{name}={TOKEN}" for path in locked for name in ("token", "access_token")]

    assert all(answer.startswith(b"HTTP/1.1 404 ") for answer in await answers(*(f"GET {path}" for path in targets)))
