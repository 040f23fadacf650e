"""A client that is generated from /openapi.json alone can make every call."""

import sys

import pytest

from tests.support.described.stranger import NAME, Stranger, generate, model


@pytest.fixture
async def front(make_front):
    return await make_front(names=(), auth="required")


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The folder of each description's client."""
    folders = {}

    async def of(description):
        if description not in folders:
            folders[description] = tmp_path_factory.mktemp("generated")
            await generate(description, folders[description])
        return folders[description]

    return of


@pytest.fixture
async def stranger(front, generated, monkeypatch):
    """Generate the client from what the server says of itself, and have it speak to that server."""
    monkeypatch.syspath_prepend(await generated(await (await front.client.get("/openapi.json")).read()))
    async with Stranger(str(front.client.make_url("/"))) as made:
        yield made
    for name in [each for each in sys.modules if each.partition(".")[0] == NAME]:
        del sys.modules[name]


def client_of(front, registered):
    """Speak to the server with the token of a registration."""
    return Stranger(str(front.client.make_url("/")), registered.token)


async def test_it_does_the_main_job(front, stranger):
    ann = await stranger.call("users.register", body=model("NewUser")(username="ann"))
    bob = await stranger.call("users.register", body=model("NewUser")(username="bob"))
    async with client_of(front, ann) as writer, client_of(front, bob) as reader:
        following = await reader.call("follows.follow", bob.id, ann.id)
        post = await writer.call("posts.post", body=model("NewPost")(user_id=ann.id, content="Good morning"))
        front.app.timelines.lists.clear()  # no agents here: a cold timeline is put together on reading
        timeline = await reader.call("timelines.get_timeline", bob.id)
        deleted = await writer.call("posts.delete_post", post.post_id)
        emptied = await reader.call("timelines.get_timeline", bob.id)

    assert (following.follower_id, following.followee_id, following.following) == (bob.id, ann.id, True)
    assert [(item.post_id, item.username, item.content) for item in timeline] == [(post.post_id, "ann", "Good morning")]
    assert deleted is None
    assert emptied == []


async def test_it_reads_problems(stranger):
    missing = await stranger.call("users.get_user", 7)
    refused = await stranger.call("users.register", body=model("NewUser")(username="not a name"))

    assert (missing.type_, missing.status) == ("/problems/not-found", 404)
    assert [error.field for error in refused.errors] == ["username"]


async def test_it_has_keys_and_pages(stranger):
    new = {"body": model("NewUser")(username="ann"), "idempotency_key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    first = await stranger.call("users.register", **new)
    again = await stranger.call("users.register", **new)

    assert (again.id, again.username) == (first.id, "ann")
    assert again.token != first.token
    [listed] = await stranger.call("users.list_users", limit=1)
    assert listed.id == first.id
