"""Without the admin token, everything but the API is a 404."""

import re

import pytest

from microblog_streams.bootstrap.faust_app import configuration
from microblog_streams.config.settings import Settings
from web.routes import PATHS

TOKEN = "correct-horse-battery-staple"
OPEN = {"Authorization": f"Bearer {TOKEN}"}
PAGES = ["/table/", "/table/followers/", "/table/followers/1/", "/router/", "/router/topics", "/assignment/"]
PAGES += ["/graph/", "/performance/", "/performance", "/admin/edges/1:2", "/admin/followers/1"]


def seen(answer):
    """What a caller can tell answers apart by."""
    return answer.status, {name: answer.headers[name] for name in answer.headers if name != "Date"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", PAGES)
async def test_a_locked_page_looks_like_an_unknown_path(client, path, method, headers):
    same = {**headers, "X-Request-ID": "same"}
    locked = await client.request(method, path, headers=same)
    unknown = await client.request(method, "/nothing/here", headers=same)

    assert locked.status == 404
    assert seen(locked) == seen(unknown)
    assert await locked.read() == await unknown.read()


@pytest.mark.parametrize("path", ["/table/", "/router/", "/assignment/", "/performance/"])
async def test_the_token_opens_it(client, path):
    response = await client.get(path, headers=OPEN)

    assert response.status == 200
    assert response.content_type == "application/json"


@pytest.mark.parametrize(
    "value",
    [
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN},{TOKEN}",
        "Bearer \u00fc",
    ],
)
async def test_another_authorization_does_not(client, value):
    assert (await client.get("/table/", headers={"Authorization": value})).status == 404


@pytest.mark.parametrize("header", [b"Bearer \xff\xfe", b"Bearer \xed\xa0\x80", b"\x80"])
async def test_a_token_that_is_no_text_does_not(raw, header):
    answer = await raw(
        b"GET /table/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: " + header + b"\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("headers", [{}, OPEN, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}])
async def test_without_a_token_set_nothing_does(make_front, headers):
    front = await make_front(admin_token=None)

    assert (await front.client.get("/table/", headers=headers)).status == 404


@pytest.mark.parametrize(
    "target",
    [
        "/%2Ftable/",
        "/%2ftable%2f",
        "//table/",
        "/table%2f",
        "/%74able/",
        "/./table/",
        "/users/../table/",
        "/users/%2e%2e/table/",
        "/table/?x=/users/",
        "/table/#/users/",
        "http://a/table/",
        "/table;x=/users/",
        "/health/../table/",
        "/TABLE/",
    ],
)
async def test_other_spellings_do_not_get_past_it(raw, target):
    answer = await raw(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"detail":"There is nothing at this path."' in answer


async def test_a_wrong_method_is_told_to_the_holder_of_the_token(client):
    response = await client.post("/table/", headers=OPEN)

    assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_an_unknown_path_is_unknown_to_the_holder_of_the_token_too(client, problem):
    await problem(await client.get("/nothing", headers=OPEN), 404, "unknown-path")


async def test_only_the_table_of_routes_is_public(make_front):
    front = await make_front(metrics_networks="")
    views = front.app.web.views.keys() - PATHS
    paths = [re.sub(r"{\w+}", "1", path) for path in views]

    assert len(paths) > 5
    for path in paths:
        assert (await front.client.get(path)).status == 404


async def test_the_api_needs_no_token(client):
    assert (await client.get("/users/")).status == 200


def test_the_application_is_configured_with_the_middlewares():
    options = configuration(Settings(admin_token=TOKEN), 1, 8)["web_application_options"]

    assert [middleware.__name__ for middleware in options["middlewares"]] == [
        "request_times",
        "request_ids",
        "compression",
        "problems",
        "gate",
        "limit_guesses",
        "authenticate",
        "limit_rate",
        "size_limit",
        "limit_time",
        "limit_streams",
    ]
    assert options["client_max_size"] == 65_536
