"""What an operator does about users and posts, behind the admin token."""

import pytest

from tests.component.web.registered_users import PASSWORD, log_in, register
from tests.support.fakes.web_app import ADMIN_TOKEN

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
CALLS = [
    ("PUT", "/admin/users/1/suspension"),
    ("DELETE", "/admin/users/1/suspension"),
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
