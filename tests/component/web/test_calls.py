"""Every call of the API, as a client makes it."""

from datetime import UTC, datetime

from web import routes

POST = {"userId": 1, "content": "Good morning"}


async def test_registering_answers_the_user_and_where_to_find_them(client):
    response = await client.post("/users/", json={"username": "dora"})

    assert response.status == 201
    assert response.headers["Location"] == "/users/4"
    assert response.headers["Content-Type"] == "application/json"
    user = await response.json()
    assert user == {"id": 4, "username": "dora", "displayName": "", "createdAt": user["createdAt"]}
    assert datetime.fromisoformat(user["createdAt"]).tzinfo == UTC


async def test_a_name_is_kept_in_its_composed_form(client):
    response = await client.post("/users/", json={"username": "Ame\u0301lie"})

    assert (await response.json())["username"] == "Am\u00e9lie"


async def test_a_user_is_found_and_deleted(client):
    found = await client.get("/users/2")
    deleted = await client.delete("/users/2")
    after = await client.get("/users/2")

    assert (await found.json())["username"] == "bob"
    assert (deleted.status, await deleted.read()) == (204, b"")
    assert after.status == 404


async def test_a_user_is_found_by_a_name_that_reads_the_same(client):
    found = await client.get("/users/", params={"username": "BOB"})
    unknown = await client.get("/users/", params={"username": "bo"})

    assert [user["id"] for user in await found.json()] == [2]
    assert await unknown.json() == []
    assert "Link" not in found.headers


async def test_following_and_unfollowing_say_what_is_so_now(client):
    followed = await client.post("/users/1/follow/2")
    again = await client.post("/users/1/follow/2")
    unfollowed = await client.delete("/users/1/follow/2")

    assert followed.status == again.status == unfollowed.status == 200
    assert await followed.json() == await again.json() == {"followerId": 1, "followeeId": 2, "following": True}
    assert await unfollowed.json() == {"followerId": 1, "followeeId": 2, "following": False}


async def test_followers_and_followees_are_pages_of_users(client):
    await client.post("/users/1/follow/2")
    await client.post("/users/3/follow/2")

    followers = await (await client.get("/users/2/followers")).json()
    followees = await (await client.get("/users/1/followees")).json()

    assert [user["id"] for user in followers] == [1, 3]
    assert [user["id"] for user in followees] == [2]


async def test_writing_a_post_answers_it_and_where_to_find_it(client):
    response = await client.post("/posts/", json=POST)

    post = await response.json()
    assert response.status == 201
    assert response.headers["Location"] == f"/posts/{post['postId']}"
    assert sorted(post) == ["content", "createdAt", "postId", "userId", "username"]
    assert (post["userId"], post["username"], post["content"]) == (1, "ann", "Good morning")
    assert post["createdAt"].endswith("Z") and len(post["createdAt"]) == len("2026-11-24T12:00:00.123Z")


async def test_content_comes_back_as_it_was_sent(client):
    content = ' \U0001f642 "two"\n\tlines </script> \u2028 '
    created = await client.post("/posts/", json={"userId": 1, "content": content})

    found = await client.get(created.headers["Location"])

    assert (await found.json())["content"] == content


async def test_a_post_is_found_by_its_uuid_in_capitals_too_and_deleted(client):
    post = await (await client.post("/posts/", json=POST)).json()

    found = await client.get(f"/posts/{post['postId'].upper()}")
    deleted = await client.delete(f"/posts/{post['postId']}")
    after = await client.get(f"/posts/{post['postId']}")

    assert await found.json() == post
    assert (deleted.status, after.status) == (204, 404)


async def test_a_number_below_posts_is_the_same_page_as_the_users_posts(client):
    await client.post("/posts/", json=POST)
    await client.post("/posts/", json={"userId": 2, "content": "not ann's"})

    old_path = await client.get("/posts/1")
    new_path = await client.get("/users/1/posts")

    assert [post["content"] for post in await old_path.json()] == ["Good morning"]
    assert await old_path.json() == await new_path.json()


async def test_a_timeline_is_newest_first(client):
    for content in ("first", "second"):
        await client.post("/posts/", json={"userId": 1, "content": content})

    response = await client.get("/timelines/1")

    assert [post["content"] for post in await response.json()] == ["second", "first"]


async def test_head_answers_as_get_does_without_a_body(client):
    got = await client.get("/users/1")
    response = await client.head("/users/1")

    assert (response.status, await response.read()) == (200, b"")
    assert response.headers["Content-Length"] == got.headers["Content-Length"]


async def test_unknown_query_parameters_are_ignored(client):
    assert (await client.get("/users/?verbose=1")).status == 200


async def test_every_path_of_the_table_is_mounted(front):
    assert front.app.web.views.keys() >= routes.PATHS


async def test_fausts_metrics_count_the_status_that_was_answered(front):
    front.app.sensors.add(front.app.monitor)

    await front.client.get("/users/77")

    assert dict(front.app.monitor.http_response_codes) == {404: 1}
