"""Pages: the number of items, and the links to the next and the previous page."""

import asyncio
from itertools import pairwise
from uuid import UUID

import pytest
from yarl import URL

from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.operations.timelines import rebuild
from web.http import paging
from web.http.paging import CursorKind

PAGES = [
    "/users/",
    "/users/1/followers",
    "/users/1/followees",
    "/users/1/blocks",
    "/users/1/posts",
    "/posts/1",
    "/timelines/1",
]


@pytest.fixture
async def posts(client):
    """Five posts of ann's, newest first."""
    written = [await client.post("/posts/", json={"userId": 1, "content": str(number)}) for number in range(5)]
    return [(await response.json())["postId"] for response in reversed(written)]


async def walk(client, path, rel="next"):
    """Follow the links from a page on; return each page's items."""
    pages = []
    while path:
        response = await client.get(path)
        assert response.status == 200
        pages.append(await response.json())
        path = link(response, rel)
    return pages


def link(response, rel):
    url = response.links.get(rel, {}).get("url")
    return str(url.relative()) if url else None


@pytest.mark.parametrize("limit", ["0", "10000", "101", "-1", "abc", "", "1.0", "%2B5", "\u0661", "1e1"])
@pytest.mark.parametrize("path", PAGES)
async def test_a_limit_that_is_not_1_to_100_is_refused(client, problem, path, limit):
    document = await problem(await client.get(f"{path}?limit={limit}"), 400, "invalid", "limit")
    assert "from 1 to 100" in document["detail"]


@pytest.mark.parametrize("limit", [1, 100])
async def test_the_ends_of_the_range_are_fine(client, limit):
    assert (await client.get(f"/users/?limit={limit}")).status == 200


async def test_the_default_is_20_items(front):
    for number in range(30):
        await front.app.operations.users.create(f"user{number}")

    assert len(await (await front.client.get("/users/")).json()) == 20


@pytest.mark.parametrize("query", ["limit=1&limit=2", "cursor=a&cursor=b"])
async def test_a_parameter_given_twice_is_refused(client, problem, query):
    await problem(await client.get(f"/users/?{query}"), 400, "invalid", query.split("=")[0])


async def test_the_link_is_relative_and_keeps_the_limit(client):
    response = await client.get("/users/?limit=2")

    cursor = paging.encode_cursor(CursorKind.USERS, 0, 2)
    assert response.headers["Link"] == f'</users/?cursor={cursor}&limit=2>; rel="next"'


async def test_the_last_page_has_no_link(client):
    response = await client.get("/users/?limit=3")

    assert "Link" not in response.headers


async def test_walking_through_users_meets_everybody_once(client):
    pages = await walk(client, "/users/?limit=1")

    assert [[user["username"] for user in page] for page in pages] == [["ann"], ["bob"], ["cleo"]]


async def test_walking_through_followers_and_followees_meets_everybody_once(client):
    for follower, followee in ((1, 3), (2, 3), (1, 2)):
        await client.post(f"/users/{follower}/follow/{followee}")

    followers = await walk(client, "/users/3/followers?limit=1")
    followees = await walk(client, "/users/1/followees?limit=1")

    assert [user["id"] for page in followers for user in page] == [1, 2]
    assert [user["id"] for page in followees for user in page] == [2, 3]


async def test_walking_through_those_who_are_blocked_meets_each_once(client):
    for blocked in (3, 2):
        await client.post(f"/users/1/block/{blocked}")

    pages = await walk(client, "/users/1/blocks?limit=1")

    assert [[user["username"] for user in page] for page in pages] == [["bob"], ["cleo"]]


@pytest.mark.parametrize("path", ["/users/1/posts", "/posts/1", "/timelines/1"])
async def test_walking_through_posts_meets_each_once(client, posts, path):
    pages = await walk(client, f"{path}?limit=2")

    assert [post["postId"] for page in pages for post in page] == posts
    assert [len(page) for page in pages] == [2, 2, 1]


async def test_prev_on_a_timeline_is_what_is_newer_than_the_page(client, posts):
    first = await client.get("/timelines/1?limit=2")
    nothing_newer = await client.get(link(first, "prev"))
    second = await client.get(link(first, "next"))
    back = await client.get(link(second, "prev"))

    assert await nothing_newer.json() == []
    assert await back.json() == await first.json()


async def test_posts_written_while_paging_are_above_and_shift_no_page(client, posts):
    first = await client.get("/timelines/1?limit=3")
    later = await (await client.post("/posts/", json={"userId": 1, "content": "later"})).json()

    above = await client.get(link(first, "prev"))
    below = await client.get(link(first, "next"))

    assert [post["postId"] for post in await above.json()] == [later["postId"]]
    assert [post["postId"] for post in await below.json()] == posts[3:]


def cursor_of_every_kind():
    of_posts = {CursorKind.POSTS, CursorKind.OLDER, CursorKind.NEWER}
    return [paging.encode_cursor(kind, 1, new_post_id() if kind in of_posts else 2) for kind in CursorKind]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "cursor", ["", "x", "%00", "%FF", "\u00fc", "AAAA", "a" * 3000, "'; DROP TABLE users; --", "=", "-" * 28]
)
async def test_a_malformed_cursor_is_refused(client, problem, path, cursor):
    await problem(await client.get(path, params={"cursor": cursor}), 400, "invalid", "cursor")


OWN_KINDS = {
    "/users/": [],
    "/users/1/followers": [CursorKind.FOLLOWERS],
    "/users/1/followees": [CursorKind.FOLLOWEES],
    "/users/1/blocks": [CursorKind.BLOCKS],
    "/users/1/posts": [CursorKind.POSTS],
    "/posts/1": [CursorKind.POSTS],
    "/timelines/1": [CursorKind.OLDER, CursorKind.NEWER],
}


@pytest.mark.parametrize("path", PAGES)
async def test_only_a_pages_own_cursors_are_taken(client, path):
    answers = {
        kind: (await client.get(path, params={"cursor": cursor})).status
        for kind, cursor in zip(CursorKind, cursor_of_every_kind(), strict=True)
    }

    assert [kind for kind, status in answers.items() if status == 200] == OWN_KINDS[path]
    assert set(answers.values()) <= {200, 400}


async def test_a_cursor_of_another_users_page_is_refused(client, problem, posts):
    page = await client.get("/users/1/posts?limit=1")

    url = link(page, "next").replace("/users/1/", "/users/2/")

    await problem(await client.get(url), 400, "invalid", "cursor")


async def test_a_cursor_with_any_character_changed_is_refused(client, posts):
    page = await client.get("/timelines/1?limit=1")
    cursor = URL(link(page, "next")).query["cursor"]

    for place, character in enumerate(cursor):
        changed = cursor[:place] + ("A" if character != "A" else "B") + cursor[place + 1 :]
        assert (await client.get("/timelines/1", params={"cursor": changed})).status == 400


def test_walks_go_downwards(posts):
    assert all(newer > older for newer, older in pairwise(posts))


async def test_a_timeline_that_takes_long_to_make_is_shown_as_far_as_it_is_known(front, monkeypatch, posts, problem):
    """Its page says that it is not whole and when to come back, and has no links: who scrolled on would miss posts."""
    timelines = front.app.operations.timelines
    monkeypatch.setattr(rebuild, "READER_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(timelines.source.merge_read.posts, "newest", _hangs)
    front.app.timelines.lists.pop(1)

    await problem(await front.client.get("/timelines/1"), 503, "unfinished")
    await front.app.timelines.push([1], encode_entry(UUID(posts[0]), 1))
    response = await front.client.get("/timelines/1")
    cursor = paging.encode_cursor(CursorKind.OLDER, 1, UUID(posts[0]))

    assert [post["postId"] for post in await response.json()] == posts[:1]
    assert (response.status, response.headers["Timeline-State"]) == (200, "incomplete")
    assert ("Retry-After" in response.headers, "Link" in response.headers) == (True, False)
    await problem(await front.client.get(f"/timelines/1?cursor={cursor}"), 503, "unfinished")
    await timelines.close()


async def _hangs(*_):
    await asyncio.Event().wait()
