"""Live timelines over HTTP: the events as sent, who may follow, and what ends a stream."""

import asyncio
import json

import pytest

from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.domain.models import Post
from tests.component.web.registered_users import bearer
from tests.support.waiting import DEADLINE_SECONDS, until
from web.api import live


class Stream:
    """A response that is read event by event."""

    def __init__(self, response):
        self.response = response

    async def next(self):
        """Return the next block as a dict of its lines; a comment is under an empty name."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            block = (await self.response.content.readuntil(b"\n\n")).decode()
        return dict(line.split(": ", 1) for line in block.strip().split("\n"))


@pytest.fixture
async def front(make_front):
    return await make_front(time_limit=0.05)


@pytest.fixture
def arrive(front):
    """A post arrives on ann's timeline, as the agents push it."""

    async def push(text, author=2):
        post = Post(new_post_id(), author, text)
        await front.app.post_cache.fill([post])
        await front.app.timelines.push([1], encode_entry(post.id, author))
        return post

    return push


async def opened(front, path="/timelines/1/live", **options):
    return Stream(await front.client.get(path, **options))


async def has_no_posts(front):
    """Whether bob's page is there and empty: on a busy machine the request takes longer than it may here."""
    response = await front.client.get("/posts/2")
    return response.status == 200 and await response.json() == []


async def test_a_stream_tells_posts_and_deletions(front, arrive):
    """Longer than any other request may take."""
    stream = await opened(front)
    begin, reset = await stream.next(), await stream.next()
    await asyncio.sleep(0.06)
    post = await arrive("hello\n\nthere")
    arrived = await stream.next()
    await front.app.operations.posts.delete(post.id)
    await front.app.timelines.live.announce([1], live.Change.DELETE, post.id.bytes)
    deleted = await stream.next()

    assert stream.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert 1_000 <= int(begin["retry"]) <= 5_000
    assert (reset["event"], reset["data"]) == ("reset", "{}")
    await until(lambda: has_no_posts(front))
    assert json.loads(arrived["data"]) == {
        "postId": str(post.id),
        "userId": 2,
        "username": "bob",
        "content": "hello\n\nthere",
        "createdAt": json.loads(arrived["data"])["createdAt"],
    }
    assert (deleted["event"], json.loads(deleted["data"])) == ("delete", {"id": str(post.id)})
    assert arrived["id"] != deleted["id"]


@pytest.mark.parametrize("given", ["header", "query"])
async def test_the_last_events_id_brings_what_was_missed(front, arrive, given):
    stream = await opened(front)
    await stream.next()
    position = (await stream.next())["id"]
    stream.response.close()
    await arrive("missed")

    options = {"header": {"headers": {"Last-Event-ID": position}}, "query": {"params": {"last_event_id": position}}}
    again = await opened(front, **options[given])

    assert "retry" in await again.next()
    assert json.loads((await again.next())["data"])["content"] == "missed"


async def test_the_headers_keep_caches_and_proxies_away(front):
    headers = (await opened(front, headers={"Accept-Encoding": "gzip"})).response.headers

    assert headers["Cache-Control"] == "no-store, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Encoding" not in headers
    assert headers["X-Request-ID"]


async def test_head_answers_and_ends(front):
    response = await front.client.head("/timelines/1/live")

    assert (response.status, response.content_type) == (200, "text/event-stream")


async def test_a_silent_stream_has_heartbeats(front, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.01)
    stream = await opened(front)
    await stream.next()
    await stream.next()

    assert await stream.next() == {"": "heartbeat"}


async def test_only_the_user_may_follow_a_home_timeline(make_front, problem):
    front = await make_front(auth="required", names=())
    tokens = [(await (await front.client.post("/users/", json={"username": name})).json())["token"] for name in "ab"]

    await problem(await front.client.get("/timelines/1/live"), 401, "unauthenticated")
    await problem(await front.client.get("/timelines/1/live", headers=bearer(tokens[1])), 403, "forbidden")
    assert (await front.client.get("/timelines/1/live", headers=bearer(tokens[0]))).status == 200


async def test_an_unknown_user_has_no_stream(front, problem):
    await problem(await front.client.get("/timelines/99/live"), 404, "not-found")


@pytest.fixture
async def signed_in(make_front):
    """Ann (1) with her token (1)."""
    front = await make_front(auth="required", names=())
    front.headers = bearer((await (await front.client.post("/users/", json={"username": "ann"})).json())["token"])
    return front


async def ended(stream):
    async with asyncio.timeout(DEADLINE_SECONDS):
        await stream.response.content.read()


@pytest.mark.parametrize("path", ["/tokens/1", "/users/1"])
async def test_a_revoked_token_and_a_deleted_user_end_the_stream_at_once(signed_in, monkeypatch, path):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 3_600)
    stream = await opened(signed_in, headers=signed_in.headers)

    assert (await signed_in.client.delete(path, headers=signed_in.headers)).status == 204

    await ended(stream)


async def test_a_token_that_another_worker_revoked_ends_its_stream_at_once(signed_in, monkeypatch):
    """This worker has the token in its cache."""
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 3_600)
    stream = await opened(signed_in, headers=signed_in.headers)
    operations = signed_in.app.operations

    await operations.tokens.store.revoke(1, 1)
    await operations.live.check_access(1)

    await ended(stream)


async def test_another_token_of_the_user_keeps_its_stream(signed_in, monkeypatch):
    stream = await opened(signed_in, headers=signed_in.headers)
    await stream.next()
    await stream.next()

    for _ in range(2):
        await signed_in.app.operations.live.check_access(1)
        assert await stream.next() == {"": "heartbeat"}


@pytest.mark.parametrize("pause", [0.0, 1.0])
async def test_a_token_is_looked_at_again_on_silent_and_on_busy_streams(signed_in, monkeypatch, pause):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.05)
    stream = await opened(signed_in, headers=signed_in.headers)
    tokens, log = signed_in.app.operations.tokens, signed_in.app.timelines.live

    await tokens.store.revoke(1, 1)
    tokens.forget(1)
    reading = asyncio.create_task(ended(stream))
    while not reading.done():
        await log.announce([1], live.Change.DELETE, new_post_id().bytes)
        await asyncio.wait([reading], timeout=pause)
    await reading


async def test_streams_of_a_user_and_of_an_address_are_limited(make_front, problem):
    front = await make_front(auth="required", names=(), max_streams_per_user=2, max_streams_per_address=3)
    tokens = [(await (await front.client.post("/users/", json={"username": name})).json())["token"] for name in "ab"]
    streams = [await opened(front, headers=bearer(tokens[0])) for _ in range(2)]

    await problem(await front.client.get("/timelines/1/live", headers=bearer(tokens[0])), 429, "too-many-streams")
    streams.append(await opened(front, "/timelines/2/live", headers=bearer(tokens[1])))
    await problem(await front.client.get("/timelines/2/live", headers=bearer(tokens[1])), 429, "too-many-streams")


async def test_a_stream_that_ended_counts_no_longer(make_front, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.01)
    front = await make_front(max_streams_per_address=1)
    (await opened(front)).response.close()
    await until(lambda: front.app.operations.live.readers == 0)

    assert (await front.client.get("/timelines/1/live")).status == 200


async def test_a_reader_who_leaves_before_the_answer_is_no_failure(front, monkeypatch, caplog):
    reached, goes_on, real = asyncio.Event(), asyncio.Event(), front.app.timelines.live.listen

    async def listen(users):
        reached.set()
        await goes_on.wait()
        return await real(users)

    monkeypatch.setattr(front.app.timelines.live, "listen", listen)
    request = asyncio.create_task(front.client.get("/timelines/1/live"))
    await asyncio.wait_for(reached.wait(), DEADLINE_SECONDS)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    goes_on.set()

    monkeypatch.setattr(front.app.timelines.live, "listen", real)
    assert (await opened(front)).response.status == 200
    assert "request_failed" not in caplog.text


async def test_a_stopping_server_ends_streams_and_says_so(front, problem):
    stream = await opened(front)

    await front.app.operations.live.close()

    async with asyncio.timeout(DEADLINE_SECONDS):
        await stream.response.content.read()
    await problem(await front.client.get("/timelines/1/live"), 503, "unavailable")


async def test_a_page_of_an_allowed_origin_may_follow(make_front):
    front = await make_front(cors_origins="https://app.example")

    response = await front.client.get("/timelines/1/live", headers={"Origin": "https://app.example"})

    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
