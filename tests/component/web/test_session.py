"""The session of the page: signing up, in and out, and what a cookie is good for."""

import pytest

from tests.component.web.fake_authentication import PROXY
from tests.component.web.registered_users import PASSWORD, bearer
from web.middlewares.sessions import COOKIE, TLS_PREFIX

POST = {"userId": 1, "content": "Good morning"}
NAME_AND_PASSWORD = {"username": "ann", "password": PASSWORD}


@pytest.fixture
async def front(make_front):
    return await make_front(names=(), auth="required")


@pytest.fixture
def page(client):
    """Return the headers with which a page of this server sends a request."""
    return {"Origin": f"http://{client.host}:{client.port}", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def ann(client, page):
    """Sign ann (1) up on the page; return the headers of her browser."""
    answer = await client.post("/session/registration", json=NAME_AND_PASSWORD, headers=page)
    assert answer.status == 201
    return page | kept(client, answer)


def kept(client, answer):
    """Return the cookie that an answer sets as a header, and keep the client from sending it by itself."""
    client.session.cookie_jar.clear()
    [(name, morsel)] = answer.cookies.items()
    return {"Cookie": f"{name}={morsel.value}"}


async def sign_in(client, page, **body):
    return await client.post("/session", json=NAME_AND_PASSWORD | body, headers=page)


async def test_who_signs_up_is_signed_in(client, page):
    answer = await client.post("/session/registration", json=NAME_AND_PASSWORD, headers=page)

    [(name, cookie)] = answer.cookies.items()
    assert (name, cookie["httponly"], cookie["samesite"], cookie["path"]) == (COOKIE, True, "Strict", "/")
    assert (await answer.json())["user"]["username"] == "ann"
    assert cookie.value not in await answer.text()
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_cookie_does_what_the_token_does(client, ann):
    assert (await client.post("/posts/", json=POST, headers=ann)).status == 201
    assert (await client.get("/timelines/1", headers=ann)).status == 200
    assert (await (await client.get("/session", headers=ann)).json())["user"]["id"] == 1


async def test_without_a_session_there_is_no_caller_and_that_is_no_error(client):
    answer = await client.get("/session")

    assert (answer.status, await answer.json()) == (200, {"user": None, "tokenId": None})


async def test_a_session_is_listed_among_the_tokens_and_revoked_like_them(client, page, ann):
    other = await sign_in(client, page)
    phone = page | kept(client, other)
    tokens = await (await client.get("/tokens/", headers=ann)).json()
    assert [token["name"] for token in tokens] == ["web page", "web page"]

    assert (await client.delete(f"/tokens/{tokens[1]['id']}", headers=ann)).status == 204

    refused = await client.get("/timelines/1", headers=phone)
    assert refused.status == 401
    assert refused.cookies[COOKIE]["max-age"] == "0"
    assert (await client.get("/timelines/1", headers=ann)).status == 200


async def test_signing_out_ends_the_session_and_the_cookie(client, ann):
    answer = await client.delete("/session", headers=ann)

    assert (answer.status, answer.cookies[COOKIE]["max-age"]) == (204, "0")
    client.session.cookie_jar.clear()
    assert (await client.get("/timelines/1", headers=ann)).status == 401


async def test_a_deleted_persons_cookie_is_worth_nothing(client, ann):
    assert (await client.delete("/users/1", headers=ann)).status == 204

    assert (await client.get("/timelines/1", headers=ann)).status == 401


async def sign_up_bob(client, page):
    return await client.post("/session/registration", json=NAME_AND_PASSWORD | {"username": "bob"}, headers=page)


@pytest.mark.parametrize("begin", [sign_in, sign_up_bob])
async def test_a_new_session_ends_the_one_before(client, page, ann, begin):
    """So a cookie that someone else has put into the browser, or has read, is worth nothing afterwards."""
    answer = await begin(client, ann)

    again = kept(client, answer)
    assert again["Cookie"] != ann["Cookie"]
    assert (await client.get("/session", headers=page | again)).status == 200
    assert (await client.get("/session", headers=ann)).status == 401


@pytest.mark.parametrize("value", ["", "x", "mb_x", "a" * 5000, '"quoted"'])
async def test_a_made_up_cookie_is_refused_and_forgotten(client, problem, value):
    answer = await client.get("/users/1", headers={"Cookie": f"{COOKIE}={value}"})

    await problem(answer, 401, "unauthenticated")
    assert answer.cookies[COOKIE]["max-age"] == "0"


async def test_made_up_cookies_are_limited_like_made_up_tokens(make_front):
    client = (await make_front(auth="required", limit_signing_in="3/month")).client
    statuses = [(await client.get("/users/1", headers={"Cookie": f"{COOKIE}=made-up-{n}"})).status for n in range(5)]

    assert statuses == [401, 401, 401, 429, 429]


async def test_a_token_that_is_shown_counts_and_not_the_cookie(client, ann):
    assert (await client.get("/timelines/1", headers=ann | bearer("mb_x"))).status == 401


@pytest.mark.parametrize(
    "sent_by",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
async def test_another_page_does_nothing_with_the_cookie(front, client, problem, ann, sent_by):
    cookie = {"Cookie": ann["Cookie"], **sent_by}

    await problem(await client.post("/posts/", json=POST, headers=cookie), 403, "cross-site")
    await problem(await client.delete("/users/1", headers=cookie), 403, "cross-site")
    await problem(await client.delete("/session", headers=cookie), 403, "cross-site")
    await problem(await client.post("/session", json=NAME_AND_PASSWORD, headers=sent_by), 403, "cross-site")
    await problem(
        await client.post("/session/registration", json=NAME_AND_PASSWORD, headers=sent_by), 403, "cross-site"
    )
    assert front.app.log.events == []


async def test_a_form_of_another_page_is_no_json(client, ann):
    """A form can be sent to any server without asking it first; it cannot have this content type."""
    cookie = {"Cookie": ann["Cookie"], "Content-Type": "text/plain", "Origin": "https://evil.example"}

    assert (await client.post("/posts/", data='{"userId": 1, "content": "a"}', headers=cookie)).status == 403


async def test_a_browser_without_fetch_metadata_says_its_origin(client, ann):
    headers = {"Cookie": ann["Cookie"], "Origin": ann["Origin"]}

    assert (await client.post("/posts/", json=POST, headers=headers)).status == 201


async def test_over_tls_the_cookie_is_for_this_host_and_for_tls_alone(make_front):
    client = (await make_front(names=(), auth="required", public_url="https://microblog.example")).client
    page = {"Origin": "https://microblog.example"}

    answer = await client.post("/session/registration", json=NAME_AND_PASSWORD, headers=page)

    [(name, cookie)] = answer.cookies.items()
    assert (name, cookie["secure"], cookie["domain"]) == (TLS_PREFIX + COOKIE, True, "")
    plain = {"Cookie": f"{COOKIE}={cookie.value}"}
    assert (await client.get("/timelines/1", headers=plain)).status == 401  # one that a page without TLS has set
    assert (await client.get("/timelines/1", headers={"Cookie": f"{name}={cookie.value}"})).status == 200


@pytest.mark.parametrize(("settings", "is_secure"), [(PROXY, True), ({}, False)])
async def test_a_trusted_proxy_says_whether_there_is_tls(make_front, settings, is_secure):
    client = (await make_front(names=(), auth="required", **settings)).client
    scheme = "https" if is_secure else "http"
    headers = {"X-Forwarded-Proto": "https", "Host": "microblog.example", "Origin": f"{scheme}://microblog.example"}

    answer = await client.post("/session/registration", json=NAME_AND_PASSWORD, headers=headers)

    assert [bool(cookie["secure"]) for cookie in answer.cookies.values()] == [is_secure]


async def test_an_origin_behind_an_unknown_proxy_is_refused_with_what_to_set(client, problem):
    headers = {"Host": "microblog.example", "Origin": "https://microblog.example"}

    answer = await client.post("/session", json=NAME_AND_PASSWORD, headers=headers)

    assert "MICROBLOG_PUBLIC_URL" in (await problem(answer, 403, "cross-site"))["detail"]


async def test_passwords_are_tried_on_the_page_as_seldom_as_elsewhere(make_front):
    front = await make_front(names=(), auth="required", limit_signing_in="3/month", **PROXY)
    page = {"Origin": f"http://{front.client.host}:{front.client.port}"}
    await front.client.post("/session/registration", json=NAME_AND_PASSWORD, headers=page)
    statuses = []
    for n in range(5):
        headers = page | {"X-Forwarded-For": f"198.51.100.{n}"}
        body = {**NAME_AND_PASSWORD, "password": "wrong password"}
        statuses.append((await front.client.post("/session", json=body, headers=headers)).status)

    assert statuses == [401, 401, 401, 429, 429]


async def test_a_password_is_changed_by_who_knows_it(client, problem, page, ann):
    path, new = "/users/1/password", "battery staple"
    await problem(await client.put(path, json={"password": new}, headers=ann), 403, "forbidden")
    wrong = {"password": new, "currentPassword": "wrong password"}
    await problem(await client.put(path, json=wrong, headers=ann), 403, "forbidden")
    short = {"password": "short", "currentPassword": PASSWORD}
    await problem(await client.put(path, json=short, headers=ann), 400, "invalid", "password")

    done = await client.put(path, json={"password": new, "currentPassword": PASSWORD}, headers=ann)

    assert done.status == 204
    assert (await sign_in(client, page)).status == 401
    assert (await sign_in(client, page, password=new)).status == 201


async def test_a_first_password_needs_none_before(client, page):
    token = (await (await client.post("/users/", json={"username": "bob"})).json())["token"]

    assert (await client.put("/users/1/password", json={"password": PASSWORD}, headers=bearer(token))).status == 204
    assert (await sign_in(client, page, username="bob")).status == 201


async def test_only_the_user_sets_their_password(client, ann):
    bob = (await (await client.post("/users/", json={"username": "bob"})).json())["token"]

    assert (await client.put("/users/1/password", json={"password": PASSWORD}, headers=bearer(bob))).status == 403


async def test_a_session_follows_its_own_timeline_live_and_no_other(client, ann):
    await client.post("/users/", json={"username": "bob"})

    assert (await client.get("/timelines/2/live", headers=ann)).status == 403
    assert (await client.get("/timelines/1/live")).status == 401
    async with client.get("/timelines/1/live", headers=ann) as stream:
        assert (stream.status, stream.content_type) == (200, "text/event-stream")
        assert await stream.content.readuntil(b"\n\n")
