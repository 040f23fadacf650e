"""The public timeline over HTTP: its pages, its stream, and who sees what on both."""

import asyncio
import json

import pytest

from microblog_streams.domain.ids import PUBLIC, encode_entry
from tests.component.web.registered_users import bearer
from tests.support.waiting import DEADLINE_SECONDS

PATH = "/timelines/public"


@pytest.fixture
def wrote(front):
    """Someone writes a post, and it is pushed to the public timeline as the agents push it."""
    return lambda author, text: write(front, author, text)


@pytest.fixture
async def closed(make_front):
    """A server that requires tokens, with ann (1) and bob (2), and their tokens."""
    front = await make_front(auth="required", names=())
    answers = [await front.client.post("/users/", json={"username": name}) for name in ("ann", "bob")]
    return front, [bearer((await answer.json())["token"]) for answer in answers]


async def write(front, author, text):
    post = await front.app.operations.posts.create(author, text)
    await front.app.timelines.push([PUBLIC], encode_entry(post.id, author))
    return post


async def contents(response):
    assert response.status == 200, await response.text()
    return [post["content"] for post in await response.json()]


async def test_everybody_reads_it_without_a_token(closed):
    front, _ = closed
    await write(front, 1, "one")
    await write(front, 2, "two")

    for path in (PATH, f"{PATH}/"):
        assert await contents(await front.client.get(path)) == ["two", "one"]


async def test_pages_lead_down_and_up_again(front, wrote):
    for number in range(5):
        await wrote(1, str(number))
    first = await front.client.get(PATH, params={"limit": 3})
    second = await front.client.get(str(first.links["next"]["url"].relative()))
    above = await front.client.get(str(second.links["prev"]["url"].relative()))

    assert await contents(first) == ["4", "3", "2"]
    assert await contents(second) == ["1", "0"]
    assert await contents(above) == ["4", "3", "2"]
    assert "next" not in second.links


async def test_a_cursor_of_it_is_of_no_home_timeline(front, wrote, problem):
    await wrote(1, "one")
    prev = (await front.client.get(PATH)).links["prev"]["url"]

    await problem(await front.client.get("/timelines/1", params=prev.query), 400, "invalid", "cursor")


async def test_a_poll_that_finds_nothing_new_is_a_304(front, wrote):
    await wrote(1, "one")
    tag = (await front.client.get(PATH)).headers["ETag"]

    assert (await front.client.get(PATH, headers={"If-None-Match": tag})).status == 304
    await wrote(2, "two")
    assert (await front.client.get(PATH, headers={"If-None-Match": tag})).status == 200


async def test_who_is_blocked_is_left_out_for_the_two_alone(closed):
    front, (ann, bob) = closed
    await write(front, 1, "ann's")
    await write(front, 2, "bob's")
    await front.client.post("/users/1/block/2", headers=ann)

    assert await contents(await front.client.get(PATH, headers=ann)) == ["ann's"]
    assert await contents(await front.client.get(PATH, headers=bob)) == ["bob's"]
    assert await contents(await front.client.get(PATH)) == ["bob's", "ann's"]


async def test_an_invalid_token_is_refused(closed, problem):
    front, _ = closed

    await problem(await front.client.get(PATH, headers=bearer("mb_wrong")), 401, "unauthenticated")


async def test_it_is_followed_live_without_the_posts_of_who_is_blocked(closed):
    front, (ann, _) = closed
    await front.client.post("/users/1/block/2", headers=ann)
    await front.client.get(PATH)
    anonymous, signed_in = [await front.client.get(f"{PATH}/live", headers=headers) for headers in ({}, ann)]
    await write(front, 2, "bob's")
    await write(front, 1, "ann's")

    assert await told(anonymous, 3) == ["reset", "bob's", "ann's"]
    assert await told(signed_in, 2) == ["reset", "ann's"]


async def told(response, count):
    """Read so many events of a stream."""
    said = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(said) < count:
            block = (await response.content.readuntil(b"\n\n")).decode()
            fields = dict(line.split(": ", 1) for line in block.strip().split("\n"))
            if "event" in fields:
                said.append(json.loads(fields["data"]).get("content", fields["event"]))
    return said


async def test_a_user_of_that_name_has_a_timeline_of_their_own(make_front):
    front = await make_front(names=("public",))
    await write(front, 1, "mine")

    assert await contents(await front.client.get("/timelines/1")) == ["mine"]
    assert await contents(await front.client.get(PATH)) == ["mine"]


async def test_no_id_leads_to_it(front, problem):
    """Only its own path: 0, under which its list is kept, is no user's id."""
    for path in ("/timelines/0", "/timelines/0/live", "/users/0/posts"):
        await problem(await front.client.get(path), 400, "invalid", "userId")


async def test_it_is_only_read(front, problem):
    await problem(await front.client.post(PATH, json={}), 405, "method-not-allowed")
