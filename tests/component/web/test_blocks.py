"""Blocks as clients see them: neither user can follow the other, and public data stays public."""

import pytest

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


async def ids(client, path):
    return [user["id"] for user in await (await client.get(path)).json()]


async def test_blocking_and_unblocking_say_what_is_so_now(client):
    blocked = await client.post("/users/1/block/2")
    again = await client.post("/users/1/block/2")
    unblocked = await client.delete("/users/1/block/2")
    once_more = await client.delete("/users/1/block/2")

    assert blocked.status == again.status == unblocked.status == once_more.status == 200
    assert await blocked.json() == await again.json() == {"blockerId": 1, "blockedId": 2, "blocking": True}
    assert await unblocked.json() == await once_more.json() == {"blockerId": 1, "blockedId": 2, "blocking": False}


async def test_a_block_ends_what_each_followed_of_the_other(client):
    for follower, followee in ((1, 2), (2, 1), (1, 3), (3, 2)):
        await client.post(f"/users/{follower}/follow/{followee}")

    await client.post("/users/1/block/2")

    assert await ids(client, "/users/1/followees") == [3]
    assert await ids(client, "/users/2/followees") == []
    assert await ids(client, "/users/2/followers") == [3]


@pytest.mark.parametrize(("blocker", "blocked"), [(1, 2), (2, 1)])
async def test_a_follow_is_refused_alike_for_blocker_and_blocked(client, problem, blocker, blocked):
    """The answer says nothing about who blocked whom: it is the same either way, and names only who was asked for."""
    await client.post(f"/users/{blocker}/block/{blocked}")

    document = await problem(await client.post("/users/1/follow/2"), 403, "blocked")

    del document["requestId"]
    assert document == {
        "type": "/problems/blocked",
        "title": "Blocked",
        "status": 403,
        "detail": "You cannot follow user 2.",
    }
    assert await ids(client, "/users/1/followees") == []


async def test_unblocking_restores_no_follow(client):
    await client.post("/users/1/follow/2")
    await client.post("/users/1/block/2")

    await client.delete("/users/1/block/2")

    assert await ids(client, "/users/1/followees") == []
    assert (await client.post("/users/1/follow/2")).status == 200
    assert await ids(client, "/users/1/followees") == [2]


async def test_only_the_blocker_can_take_the_block_back(client):
    await client.post("/users/1/block/2")

    await client.delete("/users/2/block/1")

    assert (await client.post("/users/2/follow/1")).status == 403


async def test_the_list_shows_whom_a_user_blocked_and_not_who_blocked_them(client):
    await client.post("/users/1/block/2")

    assert await ids(client, "/users/1/blocks") == [2]
    assert await ids(client, "/users/2/blocks") == []


async def test_what_is_public_stays_public(client):
    await client.post("/posts/", json={"userId": 1, "content": "for everybody"})

    await client.post("/users/1/block/2")

    assert len(await (await client.get("/users/1/posts")).json()) == 1
    assert (await client.get("/users/1")).status == 200


async def test_unfollowing_who_blocked_is_answered_as_ever(client):
    await client.post("/users/2/block/1")

    response = await client.delete("/users/1/follow/2")

    assert (response.status, (await response.json())["following"]) == (200, False)


async def test_a_repeated_follow_with_its_key_is_answered_as_before(client):
    first = await client.post("/users/1/follow/2", headers=KEY)
    await client.post("/users/2/block/1")

    again = await client.post("/users/1/follow/2", headers=KEY)

    assert (again.status, await again.json()) == (200, await first.json())
    assert await ids(client, "/users/1/followees") == []


async def test_a_repeated_block_with_its_key_does_not_undo_an_unblock(client):
    await client.post("/users/1/block/2", headers=KEY)
    await client.delete("/users/1/block/2")

    again = await client.post("/users/1/block/2", headers=KEY)

    assert (await again.json())["blocking"] is True
    assert await ids(client, "/users/1/blocks") == []


async def test_a_refused_follow_leaves_its_key_free(client):
    await client.post("/users/1/block/2")
    assert (await client.post("/users/1/follow/2", headers=KEY)).status == 403
    await client.delete("/users/1/block/2")

    assert (await client.post("/users/1/follow/2", headers=KEY)).status == 200


async def test_a_deleted_user_is_in_nobodys_list(client):
    await client.post("/users/1/block/2")
    await client.post("/users/1/block/3")

    await client.delete("/users/2")

    assert await ids(client, "/users/1/blocks") == [3]
