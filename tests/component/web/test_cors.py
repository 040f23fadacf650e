"""CORS: only pages of the settings' origins may call the API and read its responses."""

import pytest

APP, LOCAL, STRANGER = "https://app.example", "http://localhost:3000", "https://evil.example"
ALLOW = "Access-Control-Allow-Origin"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture
async def client(make_front):
    """A client of an API that two origins may call."""
    return (await make_front(cors_origins=f"{APP}, {LOCAL}")).client


def allowed(response):
    """Return what a browser is told about origins."""
    return {name: value for name, value in response.headers.items() if name.startswith("Access-Control-")}


@pytest.mark.parametrize("origin", [APP, LOCAL])
async def test_an_allowed_origin_may_read_answers_and_their_headers(client, origin):
    response = await client.get("/users/?limit=1", headers={"Origin": origin})

    assert response.headers[ALLOW] == origin
    shown = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Link", "Location", "ETag", "Retry-After", "X-Request-ID", "Timeline-State"} <= set(shown)


@pytest.mark.parametrize(
    "origin", [STRANGER, "null", "https://app.example.evil.example", "http://app.example", f"{APP}:444", f"{APP}/", ""]
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_another_origin_is_answered_as_anybody_and_allowed_nothing(client, method, origin):
    response = await client.request(method, "/users/", headers={"Origin": origin, **PREFLIGHT})

    assert (response.ok, allowed(response)) == (True, {})


async def test_who_is_no_page_gets_none_of_it(client):
    assert allowed(await client.get("/users/")) == {}


async def test_caches_are_told_that_answers_differ(client):
    for headers in ({}, {"Origin": APP}, {"Origin": STRANGER}):
        response = await client.get("/users/", headers=headers)
        assert response.headers.getall("Vary") == ["Accept-Encoding", "Origin"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/users/99", 404), ("PUT", "/users/", 405), ("GET", "/nothing", 404)]
)
async def test_errors_may_be_read_too(client, method, path, status):
    response = await client.request(method, path, headers={"Origin": APP})

    assert (response.status, response.headers[ALLOW]) == (status, APP)


async def test_a_preflight_is_told_what_may_be_sent(client):
    response = await client.options("/posts", headers={"Origin": APP, **PREFLIGHT})

    assert response.status == 204
    assert response.headers[ALLOW] == APP
    assert response.headers["Access-Control-Allow-Methods"] == "OPTIONS, POST"
    taken = response.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-ID"} <= set(taken)
    assert int(response.headers["Access-Control-Max-Age"]) > 0


async def test_options_that_are_no_preflight_tell_the_methods_alone(client):
    response = await client.options("/posts/", headers={"Origin": APP})

    assert (response.headers["Allow"], "Access-Control-Allow-Methods" in response.headers) == ("OPTIONS,POST", False)


@pytest.mark.parametrize("path", ["/table/", "/metrics", "/nothing"])
async def test_locked_pages_get_no_cors_headers(client, path):
    response = await client.options(path, headers={"Origin": APP, **PREFLIGHT})

    assert (response.status, "Access-Control-Allow-Methods" in response.headers) == (404, False)


async def test_a_star_lets_everybody_in(make_front):
    front = await make_front(cors_origins="*")

    response = await front.client.get("/users/", headers={"Origin": STRANGER})

    assert response.headers[ALLOW] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert response.headers.getall("Vary") == ["Accept-Encoding"]


async def test_access_without_a_token_is_refused_by_default(make_front):
    front = await make_front()

    response = await front.client.options("/posts/", headers={"Origin": APP, **PREFLIGHT})

    assert (response.status, allowed(response)) == (204, {})
