"""What an operator does about users and posts, behind the admin token."""

import asyncio
import re
from datetime import UTC, datetime

import pytest

from tests.component.web.registered_users import PASSWORD, log_in, register
from tests.support.fakes.web_app import ADMIN_TOKEN
from tests.support.waiting import DEADLINE_SECONDS

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
FORM = "application/x-www-form-urlencoded"
CALLS = [
    ("PUT", "/admin/users/1/suspension"),
    ("DELETE", "/admin/users/1/suspension"),
    ("GET", "/admin/suspensions"),
    ("POST", "/admin/suspensions"),
    ("DELETE", "/admin/posts/{post}"),
    ("POST", "/admin/users/1/password"),
]


@pytest.fixture
async def front(make_front):
    return await make_front(names=(), auth="required")


@pytest.fixture
async def ann(client):
    return await register(client, "ann", PASSWORD)


@pytest.fixture
async def bob(client, ann):
    return await register(client, "bob")


@pytest.fixture
async def post(client, ann):
    answer = await client.post("/posts/", json={"userId": 1, "content": "Unwanted"}, headers=ann)
    return (await answer.json())["postId"]


async def timeline(front, user, headers):
    """Read a timeline that is made anew: no agents here."""
    front.app.timelines.lists.clear()
    return await (await front.client.get(f"/timelines/{user}", headers=headers)).json()


async def test_a_suspended_users_posts_profile_and_tokens_are_gone_at_once(client, front, ann, bob, post):
    await client.post("/users/2/follow/1", headers=bob)
    assert len(await timeline(front, 2, bob)) == 1

    assert (await client.put("/admin/users/1/suspension", headers=ADMIN)).status == 204

    assert await (await client.get("/timelines/2", headers=bob)).json() == []
    assert await timeline(front, 2, bob) == []
    assert (await client.get(f"/posts/{post}")).status == 404
    assert (await client.get("/users/1")).status == 404
    assert (await client.get("/@ann")).status == 404
    assert (await client.get(f"/@ann/{post}")).status == 404
    assert (await client.get("/timelines/1", headers=ann)).status == 401
    login = {"username": "ann", "password": PASSWORD}
    assert (await client.post("/tokens/", json=login)).status == 401


async def test_a_restored_user_has_everything_back(client, front, ann, bob, post):
    await client.post("/users/2/follow/1", headers=bob)
    await client.put("/admin/users/1/suspension", headers=ADMIN)

    assert (await client.delete("/admin/users/1/suspension", headers=ADMIN)).status == 204

    assert [each["postId"] for each in await timeline(front, 2, bob)] == [post]
    assert (await client.get("/timelines/1", headers=await log_in(client, "ann"))).status == 200
    assert (await client.get(f"/posts/{post}")).status == 200


async def test_a_user_who_is_deleted_while_they_are_restored_stays_deleted(client, front, ann, monkeypatch):
    await client.put("/admin/users/1/suspension", headers=ADMIN)
    store = front.app.operations.users.store
    restore = store.restore

    async def restore_and_delete(user):
        return await restore(user) and await store.delete(user, datetime.now(UTC))

    monkeypatch.setattr(store, "restore", restore_and_delete)

    assert (await client.delete("/admin/users/1/suspension", headers=ADMIN)).status == 204
    assert (await client.get("/users/1")).status == 404


async def test_who_follows_the_public_timeline_is_told_to_read_it_again(client, ann, post):
    stream = await client.get("/timelines/public/live")
    events = [await event(stream)]

    await client.put("/admin/users/1/suspension", headers=ADMIN)
    events.append(await event(stream))
    assert await (await client.get("/timelines/public")).json() == []
    await client.delete("/admin/users/1/suspension", headers=ADMIN)
    events.append(await event(stream))

    assert events == ["reset"] * 3
    assert [each["postId"] for each in await (await client.get("/timelines/public")).json()] == [post]


async def event(stream):
    """Return the name of a stream's next event."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (line := await stream.content.readline()).startswith(b"event: "):
            pass
    return line.decode().split()[1]


async def test_a_post_is_removed(client, ann, post):
    assert (await client.delete(f"/admin/posts/{post}", headers=ADMIN)).status == 204

    assert (await client.get(f"/posts/{post}")).status == 404


async def test_a_reset_password_is_shown_once_and_is_the_only_one(client, ann):
    answer = await client.post("/admin/users/1/password", headers=ADMIN)
    password = (await answer.json())["password"]

    assert answer.headers["Cache-Control"] == "no-store"
    assert (await client.post("/tokens/", json={"username": "ann", "password": PASSWORD})).status == 401
    assert (await client.post("/tokens/", json={"username": "ann", "password": password})).status == 201


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_it_is_the_operators_alone(client, problem, ann, post, method, path):
    for headers in ({}, ann):
        answer = await client.request(method, path.format(post=post), headers=headers)
        await problem(answer, 404, "unknown-path")
    assert (await client.get(f"/posts/{post}")).status == 200


@pytest.mark.parametrize("path", ["/admin/users/17/suspension", "/admin/users/17/password"])
async def test_a_user_who_is_not_there_is_a_404(client, problem, path):
    method = "POST" if path.endswith("password") else "PUT"
    await problem(await client.request(method, path, headers=ADMIN), 404, "not-found")


class TestList:
    async def test_who_is_suspended_is_listed_with_the_reason(self, client, ann, bob):
        body = {"reason": "  Advertising, three times  "}
        assert (await client.put("/admin/users/1/suspension", json=body, headers=ADMIN)).status == 204
        assert (await client.put("/admin/users/2/suspension", headers=ADMIN)).status == 204

        listed = await (await client.get("/admin/suspensions", headers=ADMIN)).json()

        assert [(each["userId"], each["username"], each["reason"]) for each in listed] == [
            (1, "ann", "Advertising, three times"),
            (2, "bob", ""),
        ]
        assert re.fullmatch(r"20..-..-..T..:..:..\....Z", listed[0]["suspendedAt"])

    async def test_it_has_pages(self, client, ann, bob):
        for user in (1, 2):
            await client.put(f"/admin/users/{user}/suspension", headers=ADMIN)

        first = await client.get("/admin/suspensions?limit=1", headers=ADMIN)
        second = await client.get(first.links["next"]["url"].relative(), headers=ADMIN)

        assert [each["userId"] for each in await first.json()] == [1]
        assert [each["userId"] for each in await second.json()] == [2]
        assert "next" not in second.links

    async def test_a_restored_user_is_not_listed_and_their_reason_is_forgotten(self, client, ann):
        await client.put("/admin/users/1/suspension", json={"reason": "once"}, headers=ADMIN)
        await client.delete("/admin/users/1/suspension", headers=ADMIN)
        assert await (await client.get("/admin/suspensions", headers=ADMIN)).json() == []

        await client.put("/admin/users/1/suspension", headers=ADMIN)

        [listed] = await (await client.get("/admin/suspensions", headers=ADMIN)).json()
        assert listed["reason"] == ""

    @pytest.mark.parametrize("reason", ["x" * 501, "a\0b", "\u200b"])
    async def test_a_bad_reason_is_a_400_and_suspends_no_one(self, client, problem, ann, reason):
        answer = await client.put("/admin/users/1/suspension", json={"reason": reason}, headers=ADMIN)

        await problem(answer, 400, "invalid", "reason")
        assert (await client.get("/users/1")).status == 200


class TestPage:
    @pytest.fixture
    def send(self, client):
        """Send a form as a browser does that adds the token to each request."""

        async def post(**fields):
            own = str(client.make_url("/").origin())
            headers = ADMIN | {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Origin": own}
            answer = await client.post("/admin/suspensions", data=fields, headers=headers)
            return answer.status, await answer.text()

        return post

    async def test_it_suspends_lists_and_restores(self, client, ann, bob, send):
        status, page = await send(action="suspend", user="@ANN", reason="Advertising")
        assert (status, "User 1 is suspended." in page, "Advertising" in page) == (200, True, True)
        assert (await client.get("/users/1")).status == 404
        assert (await send(action="suspend", user="2"))[0] == 200

        status, page = await send(action="restore", user="1")
        assert (status, "User 1 is restored." in page, "Advertising" in page) == (200, True, False)
        assert (await client.get("/users/1")).status == 200

    async def test_it_leads_to_further_ones(self, client, ann, bob):
        for user in (1, 2):
            await client.put(f"/admin/users/{user}/suspension", headers=ADMIN)
        html = ADMIN | {"Accept": "text/html"}

        first = await (await client.get("/admin/suspensions?limit=1", headers=html)).text()
        link = re.search(r'<a href="([^"]+)" rel="next">', first).group(1).replace("&amp;", "&")
        second = await (await client.get(link, headers=html)).text()

        assert (">ann<" in first, ">bob<" in first, ">bob<" in second) == (True, False, True)
        assert 'rel="next"' not in second

    async def test_it_removes_a_post_given_by_its_address(self, client, ann, post, send):
        status, page = await send(action="remove", post=f"https://microblog.example/@ann/{post}")

        assert (status, f"Post {post} is removed." in page) == (200, True)
        assert (await client.get(f"/posts/{post}")).status == 404

    @pytest.mark.parametrize(
        ("fields", "status", "said"),
        [
            ({"action": "suspend", "user": "zoe"}, 404, "There is no user zoe."),
            ({"action": "suspend", "user": "0"}, 400, "userId"),
            ({"action": "suspend", "user": ""}, 400, "username"),
            ({"action": "suspend", "user": "ann", "reason": "x" * 501}, 400, "reason"),
            ({"action": "restore", "user": "ann"}, 400, "userId"),
            ({"action": "remove", "post": "that one"}, 400, "postId"),
            ({"action": "delete"}, 400, "action"),
            ({}, 400, "action"),
        ],
    )
    async def test_an_error_is_said_and_what_was_typed_is_kept(self, client, ann, send, fields, status, said):
        answer, page = await send(**fields)

        assert answer == status
        assert "Not done." in page
        assert said in page
        if fields.get("action") == "suspend":
            assert f'value="{fields["user"]}"' in page

    @pytest.mark.parametrize(
        ("kind", "body", "status", "said"),
        [
            ("multipart/form-data", b"--x", 415, "unsupported-media-type"),
            ("application/json", b"{}", 415, "unsupported-media-type"),
            (f"{FORM}; charset=latin-1", b"action=suspend&user=ann", 415, "unsupported-media-type"),
            (FORM, b"action=suspend&user=ann&reason=\xff", 400, "is not UTF-8 at byte 31"),
            (FORM, b"action=suspend&user=ann&reason=%ff", 400, "is not UTF-8"),
            (FORM, b"&".join([b"user=ann"] * 101), 400, "has more than 100 fields"),
        ],
    )
    async def test_what_is_no_form_is_refused(self, client, ann, kind, body, status, said):
        headers = ADMIN | {"Content-Type": kind, "Sec-Fetch-Site": "same-origin"}
        answer = await client.post("/admin/suspensions", data=body, headers=headers)

        assert (answer.status, said in await answer.text()) == (status, True)
        assert (await client.get("/users/1")).status == 200

    async def test_names_and_reasons_stay_text(self, client, ann, send):
        evil = "<script>alert(1)</script>"
        _, page = await send(action="suspend", user="ann", reason=evil)
        assert evil not in page
        assert "&lt;script&gt;" in page

        _, page = await send(action="suspend", user='"><b>', reason=evil)
        assert "<b>" not in page

    async def test_it_loads_nothing_and_sends_forms_to_this_server_alone(self, client):
        headers = (await client.get("/admin/suspensions", headers=ADMIN | {"Accept": "text/html"})).headers

        assert headers["Content-Type"] == "text/html; charset=utf-8"
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert (policy["default-src"], policy["form-action"], policy["frame-ancestors"]) == (
            "'none'",
            "'self'",
            "'none'",
        )
        assert headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        "headers",
        [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}],
    )
    async def test_a_form_of_another_page_does_nothing(self, client, problem, ann, headers):
        """Also with the token, which a browser may add to every request."""
        fields = {"action": "suspend", "user": "ann"}
        answer = await client.post("/admin/suspensions", data=fields, headers=ADMIN | headers)

        await problem(answer, 403, "cross-site")
        assert (await client.get("/users/1")).status == 200
