"""Every path with and without a slash at its end: the same response, no redirect, HEAD and OPTIONS."""

import pytest

from web import routes
from web.http.params import canonical, toggle_slash

KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
#: Each path that is read: as docs/api.md spells it.
READ = ["/users/", "/users/1", "/users/1/followers", "/users/1/followees", "/users/1/blocks", "/users/1/posts"]
READ += ["/users/1/avatar.svg"]
READ += ["/posts/1", "/timelines/1", "/trends/tags", "/health", "/ready"]
READ += ["/openapi.json", "/docs", "/docs/docs.js", "/session/", "/users/1/follow/2", "/users/1/block/2"]
READ += ["/robots.txt", "/@ann"]
METHODS = {
    "/users/": "GET,HEAD,OPTIONS,POST",
    "/users/{user}": "DELETE,GET,HEAD,OPTIONS,PATCH",
    "/users/{follower}/follow/{followee}": "DELETE,GET,HEAD,OPTIONS,POST",
    "/users/{user}/followers": "GET,HEAD,OPTIONS",
    "/users/{user}/followees": "GET,HEAD,OPTIONS",
    "/users/{blocker}/block/{blocked}": "DELETE,GET,HEAD,OPTIONS,POST",
    "/users/{user}/blocks": "GET,HEAD,OPTIONS",
    "/users/{user}/posts": "GET,HEAD,OPTIONS",
    "/users/{user}/password": "OPTIONS,PUT",
    "/users/{user}/avatar.svg": "GET,HEAD,OPTIONS",
    "/posts/": "OPTIONS,POST",
    "/posts/{ident}": "DELETE,GET,HEAD,OPTIONS",
    "/timelines/public": "GET,HEAD,OPTIONS",
    "/timelines/public/live": "GET,HEAD,OPTIONS",
    "/timelines/{user}": "GET,HEAD,OPTIONS",
    "/timelines/{user}/live": "GET,HEAD,OPTIONS",
    "/search/posts": "GET,HEAD,OPTIONS",
    "/search/users": "GET,HEAD,OPTIONS",
    "/trends/tags": "GET,HEAD,OPTIONS",
    "/tokens/": "GET,HEAD,OPTIONS,POST",
    "/tokens/{token}": "DELETE,OPTIONS",
    "/session/": "DELETE,GET,HEAD,OPTIONS,POST",
    "/session/registration": "OPTIONS,POST",
    "/openapi.json": "GET,HEAD,OPTIONS",
    "/docs": "GET,HEAD,OPTIONS",
    "/docs/{name}": "GET,HEAD,OPTIONS",
    "/": "GET,HEAD,OPTIONS",
    "/robots.txt": "GET,HEAD,OPTIONS",
    "/static/{version}/{name}": "GET,HEAD,OPTIONS",
    "/@{name}": "GET,HEAD,OPTIONS",
    "/@{name}/{post}": "GET,HEAD,OPTIONS",
    "/health": "GET,HEAD,OPTIONS",
    "/ready": "GET,HEAD,OPTIONS",
}


def filled(path):
    """Return a path of the table with ids in its places."""
    return path.format(
        user=1, follower=1, followee=2, blocker=1, blocked=2, ident=1, token=1, name="docs.js", version="1", post=1
    )


def test_these_are_all_paths():
    assert METHODS.keys() == routes.PATHS


@pytest.mark.parametrize("path", READ)
async def test_a_slash_at_the_end_makes_no_difference(client, path):
    listed = await client.get(path, allow_redirects=False)
    spelled = await client.get(toggle_slash(path), allow_redirects=False)

    assert (spelled.status, await spelled.read()) == (listed.status, await listed.read())
    assert listed.status == 200


async def test_writing_takes_both_spellings(client):
    registered = await client.post("/users", json={"username": "dora"}, allow_redirects=False)
    posted = await client.post("/posts", json={"userId": 4, "content": "a"}, allow_redirects=False)
    followed = await client.post("/users/1/follow/4/", allow_redirects=False)
    deleted = await client.delete("/users/4/", allow_redirects=False)

    assert [answer.status for answer in (registered, posted, followed, deleted)] == [201, 201, 200, 204]


async def test_a_link_keeps_the_spelling_of_the_request(client):
    page = await client.get("/users?limit=1")
    url = str(page.links["next"]["url"].relative())

    assert url.startswith("/users?cursor=")
    assert [user["username"] for user in await (await client.get(url)).json()] == ["bob"]


@pytest.mark.parametrize(("path", "body"), [("/posts/", {"userId": 1, "content": "a"}), ("/users/1/follow/2", None)])
async def test_a_call_repeated_in_the_other_spelling_is_the_same_call(client, path, body):
    first = await client.post(path, json=body, headers=KEY)
    again = await client.post(toggle_slash(path), json=body, headers=KEY)

    assert (again.status, await again.json()) == (first.status, await first.json())


@pytest.mark.parametrize("spell", [str, toggle_slash])
@pytest.mark.parametrize("path", READ)
async def test_head_answers_what_get_does_and_no_body(client, path, spell):
    got = await client.get(spell(path))
    head = await client.head(spell(path))

    assert (head.status, await head.read()) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert head.content_type == got.content_type


@pytest.mark.parametrize("spell", [str, toggle_slash])
@pytest.mark.parametrize("path", METHODS)
async def test_options_lists_the_methods_of_every_path(client, path, spell):
    response = await client.options(spell(filled(path)))

    assert (response.status, response.headers["Allow"]) == (204, METHODS[path])
    assert await response.read() == b""


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/table/", "/nothing"])
async def test_options_reveals_no_locked_path(client, path):
    assert (await client.options(path)).status == 404


@pytest.mark.parametrize("path", ["/users//", "/users/1//", "/users/1/followers//", "/%75sers%2F"])
async def test_more_slashes_are_another_path(client, problem, path):
    await problem(await client.get(path), 404, "unknown-path")


@pytest.mark.parametrize(
    ("path", "listed"),
    [("/users", "/users/"), ("/users/", "/users/"), ("/users/1/", "/users/1"), ("/users/1", "/users/1")],
)
def test_one_spelling_stands_for_both(path, listed):
    assert canonical(path) == listed
