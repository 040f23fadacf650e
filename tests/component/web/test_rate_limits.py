"""Rate limits: each caller has their own, a request above it is a 429, and they hold without Redis.

Rates are mostly a month's: a worker's windows go by the clock, and tests should not meet the turn of one.
"""

import logging

import pytest

from tests.component.web.fake_authentication import PROXY, authenticated, of
from web.api.tokens import limit_login
from web.http.problems import TooManyRequests

__all__ = ["authenticated"]

POST = "01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e"
LIMIT = ("RateLimit", "RateLimit-Policy")


def write(client, author=1, **headers):
    return client.post("/posts/", json={"userId": author, "content": "hello"}, headers=headers)


def register(client, name, **headers):
    return client.post("/users/", json={"username": name}, headers=headers)


@pytest.mark.parametrize(
    ("budget", "calls", "another"),
    [
        ("posting", [("POST", "/posts/"), ("DELETE", f"/posts/{POST}"), ("DELETE", "/users/3")], ("GET", "/users/")),
        (
            "following",
            [("POST", "/users/1/follow/2"), ("DELETE", "/users/1/follow/2"), ("POST", "/users/1/follow/3/")],
            ("GET", "/users/1/followers"),
        ),
        ("registering", [("POST", "/users/"), ("POST", "/users"), ("POST", "/users/")], ("GET", "/users/")),
        ("reading", [("GET", "/users/"), ("HEAD", "/timelines/1"), ("GET", f"/posts/{POST}/")], ("POST", "/posts/")),
    ],
)
async def test_a_budget_is_one_for_all_its_calls_and_for_no_others(make_front, problem, budget, calls, another):
    front = await make_front(**{f"limit_{budget}": "2/month"})

    answers = [await front.client.request(*call) for call in calls]

    assert [answer.status == 429 for answer in answers] == [False, False, True]
    assert [answer.headers["RateLimit"].partition(";t=")[0] for answer in answers] == [
        f'"{budget}";r=1',
        f'"{budget}";r=0',
        f'"{budget}";r=0',
    ]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 2_592_000
    assert answers[2].headers["RateLimit-Policy"] == f'"{budget}";q=2;w=2592000'
    document = await problem(answers[2], 429, "too-many-requests")
    assert document["detail"].startswith(f"Rate limit exceeded: {budget} allows 2 requests per month. Try again in ")
    assert front.app.rate_limiter.refused == {**dict.fromkeys(front.app.rate_limiter.refused, 0), budget: 1}
    assert (await front.client.request(*another)).status != 429


@pytest.mark.parametrize("path", ["/search/posts?q=tea", "/search/users?q=ann", "/trends/tags"])
async def test_head_draws_from_the_limit_of_get(make_front, path):
    """It does the same work: a search whose result is thrown away is a search."""
    front = await make_front(limit_searching="2/month")

    answers = [await front.client.request(method, path) for method in ("HEAD", "GET", "HEAD", "GET")]

    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert all(answer.headers["RateLimit"].startswith('"searching"') for answer in answers)


async def test_a_refused_call_changes_nothing(make_front):
    front = await make_front(limit_posting="1/month", limit_registering="1/month", limit_following="1/month")
    for _ in range(3):
        await write(front.client)
        await register(front.client, "dora")
        await front.client.post("/users/1/follow/2")
    await front.client.delete("/users/1/follow/2")

    assert len(front.app.log.events) == 1
    assert sorted(user.username for user in front.app.database.users.values()) == ["ann", "bob", "cleo", "dora"]
    assert front.app.database.edges[1, 2].following


async def test_a_refused_call_says_no_more_than_that(make_front):
    front = await make_front(limit_reading="1/month")

    answers = [await front.client.get(path) for path in ("/users/1", "/users/1", "/users/99", "/users/x")]

    assert [answer.status for answer in answers] == [200, 429, 429, 429]


async def test_responses_and_errors_show_what_is_left_of_the_limit(make_front):
    front = await make_front(limit_reading="10/month", limit_posting="10/minute;20/day")

    for number, (path, status) in enumerate([("/users/1", 200), ("/users/99", 404), ("/users/x", 400)], start=1):
        answer = await front.client.get(path)
        assert answer.status == status
        assert answer.headers["RateLimit"].startswith(f'"reading";r={10 - number};t=')
    too_large = await front.client.post("/posts/", data=b"x" * 70_000)
    assert (too_large.status, too_large.headers["RateLimit-Policy"]) == (
        413,
        '"posting";q=10;w=60, "posting-day";q=20;w=86400',
    )


async def test_pages_of_other_origins_may_read_it(make_front):
    front = await make_front(limit_reading="1/month", cors_origins="https://app.example")
    for _ in range(2):
        answer = await front.client.get("/users/", headers={"Origin": "https://app.example"})

    assert answer.status == 429
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert {*LIMIT, "Retry-After"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/health"), ("GET", "/ready/"), ("OPTIONS", "/users/"), ("GET", "/nothing")]
)
async def test_paths_outside_the_api_are_not_rate_limited(make_front, method, path):
    front = await make_front(limit_reading="1/month")

    answers = [await front.client.request(method, path) for _ in range(3)]

    assert {answer.status for answer in answers} & {429} == set()
    assert not any(name in answer.headers for answer in answers for name in LIMIT)


async def test_without_a_rate_nothing_is_counted_or_told(client):
    answers = [await client.get("/users/") for _ in range(20)]

    assert {answer.status for answer in answers} == {200}
    assert not any(name in answer.headers for answer in answers for name in LIMIT)


@pytest.mark.usefixtures("authenticated")
async def test_each_user_has_their_own_and_an_address_has_its_own(make_front):
    client = (await make_front(limit_posting="1/month", **PROXY)).client

    assert (await write(client, 1, **of(1))).status == 201
    assert (await write(client, 1, **of(1), **{"X-Forwarded-For": "198.51.100.1"})).status == 429
    assert (await write(client, 2, **of(2))).status == 201
    assert (await write(client, 3)).status == 201
    assert (await write(client, 3)).status == 429
    assert (await write(client, 3, **{"X-Forwarded-For": "198.51.100.1"})).status == 201


@pytest.mark.usefixtures("authenticated")
async def test_registering_is_rate_limited_by_address(make_front):
    client = (await make_front(limit_registering="1/month")).client

    assert (await register(client, "dora", **of(1))).status == 201
    assert (await register(client, "emil", **of(2))).status == 429


async def test_mass_registration_from_one_address_ends_soon_whatever_it_says_of_itself(make_front):
    front = await make_front(names=(), limit_registering="10/month")
    lies = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host", "Client-IP", "True-Client-IP", "Via"]

    answers = [
        await register(front.client, f"puppet{n}", **{lies[n % 7]: f"for=10.0.{n}.1" if n % 7 == 1 else f"10.0.{n}.1"})
        for n in range(50)
    ]

    assert [answer.status for answer in answers] == [201] * 10 + [429] * 40
    assert len(front.app.database.users) == 10


async def test_an_ipv6_customer_is_one_caller_with_all_their_addresses(make_front):
    client = (await make_front(limit_registering="3/month", **PROXY)).client
    theirs = [f"2001:db8:1:2:{n:x}::{n:x}" for n in range(1, 6)]

    statuses = [(await register(client, f"p{n}", **{"X-Forwarded-For": hop})).status for n, hop in enumerate(theirs)]
    neighbour = await register(client, "neighbour", **{"X-Forwarded-For": "2001:db8:1:3::1"})

    assert statuses == [201, 201, 201, 429, 429]
    assert neighbour.status == 201


async def test_without_redis_a_worker_counts_alone_and_with_it_again_in_redis(make_front):
    front = await make_front(limit_following="2/month")

    async def follow():
        return (await front.client.post("/users/1/follow/2")).status

    counted_in_redis = await follow()
    front.app.rates.away = True
    alone = [await follow() for _ in range(4)]
    front.app.rates.away = False
    back = [await follow() for _ in range(2)]

    assert counted_in_redis == 200
    assert alone == [200, 200, 429, 429]
    assert back == [200, 429]


async def test_reading_asks_redis_for_nothing(make_front):
    front = await make_front(limit_reading="2/month")

    assert [(await front.client.get("/users/")).status for _ in range(3)] == [200, 200, 429]
    assert front.app.rates.asked == 0


async def test_refusals_are_logged_for_those_who_look(make_front, caplog):
    front = await make_front(limit_posting="1/month")
    with caplog.at_level(logging.DEBUG, "microblog_streams.operations.rate_limits"):
        await write(front.client)
        await write(front.client)

    assert [record.getMessage() for record in caplog.records if "limited" in record.getMessage()] == [
        "request_limited budget=posting who=address:127.0.0.1"
    ]


async def test_signing_in_counts_by_the_name_that_is_tried_too(make_front):
    front = await make_front(limit_signing_in="2/month")
    await limit_login(front.app.rate_limiter, "ann")
    await limit_login(front.app.rate_limiter, "ANN")

    with pytest.raises(TooManyRequests, match="Rate limit exceeded: signing-in"):
        await limit_login(front.app.rate_limiter, "\uff21\uff2e\uff2e")
    for name in ("bob", "x" * 100_000, "\ud800", "", "../\r\n"):
        await limit_login(front.app.rate_limiter, name)


async def test_more_followees_than_one_may_have_are_refused_and_those_that_are_there_stay(make_front, problem):
    front = await make_front(max_followees=1)
    await front.client.post("/users/1/follow/2")

    document = await problem(await front.client.post("/users/1/follow/3"), 409, "too-many-followees")

    assert document["detail"] == "A user can follow at most 1 users."
    assert (await front.client.post("/users/1/follow/2")).status == 200
    assert (await front.client.delete("/users/1/follow/2")).status == 200
    assert (await front.client.post("/users/1/follow/3")).status == 200
