"""ETags of timelines: a poll is a 304 without a body exactly if nothing has changed."""

import asyncio
import gzip
import re
from uuid import UUID

import pytest

from microblog_streams.domain.ids import encode_entry
from microblog_streams.domain.models import Post, PostView
from microblog_streams.operations import operations
from microblog_streams.operations.timelines import rebuild
from microblog_streams.ports import TimelineState
from tests.support.fakes.counted import counted
from web.api import timelines
from web.http import paging
from web.http.paging import CursorKind

PATH = "/timelines/1"
#: What a page costs.
PAGE = ["timelines.older", "page_cache.page"]


@pytest.fixture
async def posts(client):
    """Five posts of ann's, newest first."""
    written = [await client.post("/posts/", json={"userId": 1, "content": str(number)}) for number in range(5)]
    return [UUID((await response.json())["postId"]) for response in reversed(written)]


@pytest.fixture
async def tag(client, posts):
    """The tag of ann's timeline."""
    return (await client.get(PATH)).headers["ETag"]


@pytest.fixture
def poll(client, posts):
    """Ask for a page with a tag that one has."""

    async def poll(had, path=PATH, method="GET", **headers):
        return await client.request(method, path, headers={"If-None-Match": had, **headers})

    return poll


@pytest.fixture
def calls(front):
    """The calls of stores, from here on."""
    calls = []
    front.app.operations = operations(counted(front.app.stores, calls))
    return calls


@pytest.fixture
def arrive(front):
    """Push a followee's post onto ann's timeline, as the agents do."""

    async def arrive(post_id, author=1):
        await front.app.post_cache.fill([Post(post_id, author, "late")])
        await front.app.timelines.push([1], encode_entry(post_id, author))

    return arrive


def below(post_id, by=1):
    return UUID(int=post_id.int - by)


def cursor(kind, position):
    return f"{PATH}?cursor={paging.encode_cursor(kind, 1, position)}&limit=2"


async def test_a_timeline_has_a_weak_tag_and_is_asked_for_each_time(client, posts):
    response = await client.get(PATH)

    assert re.fullmatch(r'W/"[\w-]{16}"', response.headers["ETag"])
    assert response.headers["Cache-Control"] == "private, no-cache"


async def test_a_poll_that_finds_nothing_new_is_answered_without_a_page(client, poll, tag):
    page, response = await client.get(PATH), await poll(tag)

    assert (response.status, await response.read()) == (304, b"")
    for header in ("ETag", "Link", "Vary", "Cache-Control"):
        assert response.headers[header] == page.headers[header]
    assert {"X-Request-ID", "Date"} <= set(response.headers)
    assert {"Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding"}.isdisjoint(response.headers)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_it_costs_two_calls(poll, tag, calls, method):
    response = await poll(tag, method=method)

    assert (response.status, calls) == (304, PAGE)


async def test_the_page_costs_as_many(client, posts, calls):
    await client.get(PATH)

    assert calls == PAGE


@pytest.mark.parametrize(
    "had",
    ["{}", '"other", {}', 'W/"other",{} , "third"', "*", "{strong}", '"a,b", {strong}'],
)
async def test_a_tag_is_found_in_a_list_weak_or_not(poll, tag, had):
    assert (await poll(had.format(tag, strong=tag.removeprefix("W/")))).status == 304


@pytest.mark.parametrize("had", ['"other"', "W/{}x", "{bare}", '"{bare}', "", '"*"', "w/{strong}", "{bare},*"])
async def test_another_tag_or_what_is_none_gets_the_page(poll, tag, had):
    strong = tag.removeprefix("W/")
    response = await poll(had.format(tag, strong=strong, bare=strong.strip('"')))

    assert (response.status, len(await response.json()), response.headers["ETag"]) == (200, 5, tag)


async def test_a_new_post_is_seen(client, poll, tag):
    await client.post("/posts/", json={"userId": 1, "content": "new"})

    response = await poll(tag)

    assert ((await response.json())[0]["content"], response.headers["ETag"] != tag) == ("new", True)


@pytest.mark.parametrize("place", [1, 4])
async def test_a_post_that_comes_late_into_the_middle_is_seen(poll, tag, posts, arrive, place):
    await arrive(late := below(posts[place]), author=2)

    response = await poll(tag)

    assert (await response.json())[place + 1]["postId"] == str(late)
    assert response.headers["ETag"] != tag


async def test_a_next_page_that_was_not_there_is_seen(client, poll, posts, arrive):
    page = await client.get(f"{PATH}?limit=5")
    await arrive(below(posts[-1]))

    response = await poll(page.headers["ETag"], f"{PATH}?limit=5")

    assert (response.status, await response.json()) == (200, await page.json())
    assert 'rel="next"' in response.headers["Link"]


async def test_a_deleted_post_is_seen(client, poll, tag, posts):
    await client.delete(f"/posts/{posts[2]}")

    response = await poll(tag)

    assert (response.status, len(await response.json())) == (200, 4)


async def test_a_deleted_author_is_seen(client, poll, posts, arrive):
    await arrive(below(posts[2]), author=2)
    tag = (await client.get(PATH)).headers["ETag"]
    await client.delete("/users/2")

    response = await poll(tag)

    assert (response.status, len(await response.json())) == (200, 5)


async def test_a_deleted_post_costs_no_more_calls_once_it_was_read(client, poll, posts, calls):
    await client.delete(f"/posts/{posts[2]}")
    tag = (await client.get(PATH)).headers["ETag"]
    calls.clear()

    assert ((await poll(tag)).status, calls) == (304, PAGE)


@pytest.mark.parametrize("had", ["*", "{}"])
async def test_a_deleted_users_timeline_is_gone(client, problem, poll, tag, had):
    await client.delete("/users/1")

    await problem(await poll(had.format(tag)), 404, "not-found")


@pytest.mark.parametrize("had", ["*", '"x"'])
async def test_a_bad_request_stays_one(problem, poll, had):
    await problem(await poll(had, "/timelines/0"), 400, "invalid", "userId")
    await problem(await poll(had, f"{PATH}?cursor=x"), 400, "invalid", "cursor")
    await problem(await poll(had, "/timelines/9"), 404, "not-found")


@pytest.mark.parametrize(
    ("kind", "place", "texts"),
    [
        (CursorKind.OLDER, 1, ["2", "1"]),
        (CursorKind.OLDER, 4, []),
        (CursorKind.NEWER, 3, ["3", "2"]),
        (CursorKind.NEWER, 0, []),
    ],
)
async def test_every_page_has_a_tag_and_costs_two_calls(client, poll, posts, calls, kind, place, texts):
    path = cursor(kind, posts[place])
    page = await client.get(path)
    calls.clear()

    response = await poll(page.headers["ETag"], path)

    assert [post["content"] for post in await page.json()] == texts
    assert (response.status, len(calls), response.headers["Link"]) == (304, 2, page.headers["Link"])


async def test_a_poll_finds_newer_posts(client, poll, posts):
    path = cursor(CursorKind.NEWER, posts[0])
    tag = (await client.get(path)).headers["ETag"]
    await client.post("/posts/", json={"userId": 1, "content": "new"})

    response = await poll(tag, path)

    assert [post["content"] for post in await response.json()] == ["new"]


async def test_pages_that_lead_elsewhere_have_other_tags(client, posts):
    paths = [
        PATH,
        f"{PATH}?limit=2",
        f"{PATH}?limit=6",
        cursor(CursorKind.OLDER, posts[1]),
        cursor(CursorKind.NEWER, posts[3]),
    ]

    tags = [(await client.get(path)).headers["ETag"] for path in paths]

    assert len(set(tags)) == len(paths)


def test_another_name_is_another_tag():
    tags = [timelines.etag([PostView(UUID(int=1), 1, name, "text")], {}) for name in ("ann", "ann", "anna")]

    assert tags[0] == tags[1] != tags[2]


@pytest.mark.parametrize("cache", ["post_cache", "user_cache"])
async def test_evicted_values_are_read_from_the_stores(front, poll, tag, calls, cache):
    getattr(front.app, cache).kept.clear()

    first = await poll(tag)
    assert (first.status, len(calls) > len(PAGE)) == (304, True)
    calls.clear()
    assert ((await poll(tag)).status, calls) == (304, PAGE)


async def test_a_post_that_was_deleted_while_the_cache_had_forgotten_it_is_seen(front, client, poll, tag, posts):
    front.app.post_cache.kept.clear()
    await client.delete(f"/posts/{posts[2]}")
    front.app.post_cache.kept.clear()

    response = await poll(tag)

    assert (response.status, len(await response.json())) == (200, 4)


async def test_while_redis_is_away_the_page_is_compared_in_full(front, poll, tag, posts):
    front.app.timelines.down = front.app.post_cache.down = front.app.user_cache.down = True

    response = await poll('"other"')

    assert (len(await response.json()), response.headers["ETag"]) == (5, tag)
    assert (await poll(tag)).status == 304


async def test_a_cold_timeline_is_made_before_it_is_compared(front, poll, tag, calls):
    front.app.timelines.lists.pop(1)

    response = await poll(tag)

    assert (response.status, "timelines.finish" in calls) == (304, True)


async def test_a_timeline_that_lacks_posts_has_no_tag_and_is_never_not_modified(
    front, client, poll, posts, monkeypatch
):
    timelines = front.app.operations.timelines
    monkeypatch.setattr(rebuild, "READER_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(timelines.source.merge_read.posts, "newest", _hangs)
    front.app.timelines.lists.pop(1)
    await poll("*")
    await front.app.timelines.push([1], encode_entry(posts[0], 1))

    response = await poll("*")

    assert front.app.timelines.lists[1].state is TimelineState.BUILDING
    assert (response.status, response.headers["Timeline-State"]) == (200, "incomplete")
    assert ("ETag" in response.headers, response.headers["Cache-Control"]) == (False, "private, no-cache")
    await timelines.close()


async def _hangs(*_):
    await asyncio.Event().wait()


async def test_compressed_or_not_it_is_one_page_with_one_tag(client, poll, posts):
    for number in range(20):
        await client.post("/posts/", json={"userId": 1, "content": f"number {number}"})
    plain = await client.get(PATH, headers={"Accept-Encoding": "identity"})
    url = client.make_url(PATH)
    zipped = await client.session.get(url, headers={"Accept-Encoding": "gzip"}, auto_decompress=False)

    response = await poll(plain.headers["ETag"], **{"Accept-Encoding": "gzip"})

    assert gzip.decompress(await zipped.read()) == await plain.read()
    assert plain.headers["ETag"] == zipped.headers["ETag"] == response.headers["ETag"]
    assert (response.status, await response.read(), response.headers["Vary"]) == (304, b"", "Accept-Encoding")
    assert "Content-Encoding" not in response.headers


async def test_head_has_the_tag_and_is_not_modified_either(client, poll, tag):
    head, unchanged = await client.head(PATH), await poll(tag, method="HEAD")

    assert (head.status, head.headers["ETag"]) == (200, tag)
    assert (unchanged.status, unchanged.headers["ETag"]) == (304, tag)


async def test_a_page_of_another_origin_may_poll(make_front):
    client = (await make_front(cors_origins="https://app.example")).client
    origin = {"Origin": "https://app.example"}
    page = await client.get(PATH, headers=origin)
    preflight = {**origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}

    asked = await client.options(PATH, headers=preflight)
    response = await client.get(PATH, headers={**origin, "If-None-Match": page.headers["ETag"]})

    assert "If-None-Match" in asked.headers["Access-Control-Allow-Headers"]
    assert "ETag" in page.headers["Access-Control-Expose-Headers"]
    assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (304, "https://app.example")
    assert response.headers.getall("Vary") == ["Accept-Encoding", "Origin"]


@pytest.mark.parametrize("path", ["/users/", "/users/1", "/users/1/posts", "/users/1/followers"])
async def test_nothing_but_timelines_has_tags(poll, path):
    response = await poll("*", path)

    assert (response.status, "ETag" in response.headers) == (200, False)
