"""X-Request-ID: received or new, and the same in the response, the error and the log."""

import asyncio
from uuid import UUID

import pytest
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Response

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.logs.context import request_id
from tests.support.logged import logged
from web.middlewares.request_ids import request_ids

HEADER = "X-Request-ID"
GOOD = [
    "a",
    "0af7651916cd43dd8448eb211c80319c",
    "8e03978e-40d5-43dd-bc93-6894a57f9324",
    "Root=1-67:a/b+c@d_e.f",
    "x" * 128,
]
BAD = ["", "x" * 129, "a b", "a;b", "a,b", '"a"', "<b>", "\u00fc", "\U0001f642", "%0a", "{a}", "a\tb", "$(id)"]


@pytest.fixture
def log():
    """The lines of the web package, as a worker writes them."""
    with logged("web") as log:
        yield log


@pytest.mark.parametrize("ident", GOOD)
async def test_an_id_that_is_given_is_taken(client, ident):
    assert (await client.get("/users/", headers={HEADER: ident})).headers[HEADER] == ident


@pytest.mark.parametrize("ident", BAD)
async def test_a_long_or_unsafe_id_is_replaced_and_the_request_served(client, ident):
    response = await client.get("/users/", headers={HEADER: ident})

    assert response.status == 200
    assert UUID(response.headers[HEADER])


async def test_of_two_none_is_taken(client):
    response = await client.get("/users/", headers=[(HEADER, "a"), (HEADER, "b")])

    assert UUID(response.headers[HEADER])


async def test_each_request_without_one_gets_its_own(client):
    answers = [await client.get("/users/") for _ in range(3)]

    assert len({answer.headers[HEADER] for answer in answers}) == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/users/1", 200),
        ("HEAD", "/users/1", 200),
        ("OPTIONS", "/users/1", 204),
        ("DELETE", "/users/1", 204),
        ("GET", "/users/abc", 400),
        ("GET", "/nothing", 404),
        ("GET", "/table/", 404),
        ("PUT", "/users/", 405),
    ],
)
async def test_every_answer_has_it(client, method, path, status):
    response = await client.request(method, path, headers={HEADER: "mine"})

    assert (response.status, response.headers[HEADER]) == (status, "mine")


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [(StoreUnavailable("redis", "gone"), 503, "unavailable"), (RuntimeError("ours"), 500, "internal")],
)
async def test_every_error_says_it(front, problem, error, status, kind):
    front.app.fail(error)

    response = await front.client.get("/timelines/1", headers={HEADER: "mine"})

    assert (await problem(response, status, kind))["requestId"] == response.headers[HEADER] == "mine"


async def test_an_error_says_one_of_ours_too(client, problem):
    response = await client.get("/nothing")

    assert (await problem(response, 404, "unknown-path"))["requestId"] == response.headers[HEADER]


async def test_log_lines_of_a_request_have_its_id(front, log):
    front.app.fail(RuntimeError("ours"))

    await asyncio.gather(*(front.client.get(f"/users/{n}", headers={HEADER: f"request-{n}"}) for n in range(1, 6)))

    assert sorted((line["event"], line["request_id"]) for line in log.lines()) == [
        ("request_failed", f"request-{n}") for n in range(1, 6)
    ]


async def test_a_given_up_request_is_named_too(make_front, problem):
    front = await make_front(time_limit=0.05)
    front.app.fail(None)

    response = await front.client.get("/users/1", headers={HEADER: "mine"})

    assert (await problem(response, 503, "too-slow"))["requestId"] == "mine"


async def test_after_the_request_its_connection_names_nothing():
    """The next request of the connection is served by the same task."""
    named = []

    async def handler(request):
        named.append(request_id.get())
        return Response()

    await request_ids(make_mocked_request("GET", "/", {HEADER: "mine"}), handler)

    assert (named, request_id.get()) == (["mine"], "")
