"""Watching a timeline with the client and the command line: by the stream, by polling where there is none."""

import asyncio
import json
from contextlib import aclosing

import pytest
from aiohttp import web as http

from microblog_streams.client import Identity, NotFound, Unreachable
from microblog_streams.client.pages import Listing
from microblog_streams.domain.ids import PUBLIC, encode_entry
from tests.support.waiting import DEADLINE_SECONDS, until

#: Seconds between two polls that no test waits for.
NEVER = 3_600.0

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def arrive(front):
    """Bob writes a post, which is pushed to a timeline as the agents push it."""

    async def write(text, user=1):
        post = await front.app.operations.posts.create(2, text)
        await front.app.timelines.push([user], encode_entry(post.id, 2))
        return post

    return write


@pytest.fixture
def readers(front):
    """Waits until so many readers follow a timeline in the worker."""
    return lambda count: until(lambda: front.app.operations.live.readers == count)


class Watching:
    """A watch of ann's timeline that runs beside the test, and what it yielded."""

    def __init__(self, client, **options):
        self.seen, self.resets, self.troubles = [], [], []
        options = {"every": NEVER, "reset": self.resets.append, "trouble": self.troubles.append, **options}
        self._posts = client.acting_as(Identity(1)).watch(**options)

    async def __aenter__(self):
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *error):
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self):
        async with aclosing(self._posts) as posts:
            async for post in posts:
                self.seen.append(post.content)

    async def until(self, *expected):
        await until(lambda: len(self.seen) >= len(expected))
        assert self.seen == list(expected)


async def test_new_posts_are_told_as_they_arrive(anybody, arrive, readers):
    await arrive("before")
    async with Watching(anybody) as watching:
        await readers(1)
        await arrive("one")
        await arrive("two")
        await watching.until("one", "two")

    assert (watching.resets, watching.troubles) == ([], [])


async def test_the_public_timeline_is_watched_too(anybody, arrive, readers):
    async with Watching(anybody, public=True) as watching:
        await readers(1)
        await arrive("for everybody", PUBLIC)
        await watching.until("for everybody")


async def test_after_a_break_it_goes_on_without_reading_the_page(front, anybody, arrive, readers):
    async with Watching(anybody) as watching:
        await readers(1)
        await arrive("one")
        await watching.until("one")
        end_streams(front)
        await arrive("two")
        await watching.until("one", "two")

    assert watching.resets == []


async def test_where_the_place_is_lost_the_page_is_read_and_that_is_said(front, anybody, arrive, readers):
    async with Watching(anybody) as watching:
        await readers(1)
        await arrive("one")
        await watching.until("one")
        front.app.timelines.live.logs.clear()
        end_streams(front)
        await arrive("two")
        await watching.until("one", "two")
        await arrive("three")
        await watching.until("one", "two", "three")

    assert watching.resets == [1]


async def test_a_page_that_cannot_be_read_after_a_reset_is_read_again(gateway, anybody, arrive, monkeypatch):
    """The first page of the watch is there; then the server refuses two."""
    real, pages = Listing.page, []

    async def page(self, *arguments, **options):
        pages.append(self)
        if len(pages) in (2, 3):
            raise Unreachable("away")
        return await real(self, *arguments, **options)

    monkeypatch.setattr(Listing, "page", page)
    async with Watching(anybody, every=0.01) as watching:
        await until(lambda: len(pages) == 4)
        await arrive("one")
        await watching.until("one")

    assert len(watching.troubles) == 2


def end_streams(front):
    for feed in front.app.operations.live._feeds.values():
        for reader in feed.readers:
            reader.end()


class TestWithoutStreams:
    @pytest.fixture
    async def old(self, gateway, serve, open_client):
        """A client of a server that knows nothing of live timelines."""

        async def handle(request):
            return http.Response(status=404) if request.path.endswith("/live") else await gateway.handle(request)

        return open_client(await serve(handle))

    async def test_it_polls(self, gateway, old, arrive):
        async with Watching(old, every=0.01) as watching:
            await until(lambda: len(gateway.seen) > 2)  # the first page, and looks for more
            await arrive("one")
            await watching.until("one")

    async def test_an_unknown_user_is_still_an_error(self, old):
        with pytest.raises(NotFound):
            await anext(old.watch(99))


async def test_the_command_shows_posts_as_they_arrive(microblog, front, arrive, readers):
    watching = asyncio.create_task(microblog("--json", "watch", "--public", "--every", "3600", "--count", "2"))
    async with asyncio.timeout(DEADLINE_SECONDS):
        await readers(1)
        await arrive("one", PUBLIC)
        await arrive("two", PUBLIC)
        result = await watching

    assert [json.loads(line)["content"] for line in result.stdout.splitlines()] == ["one", "two"]


async def test_the_command_says_that_it_read_the_page_again(microblog, front, arrive, readers):
    watching = asyncio.create_task(microblog("watch", "--public", "--every", "3600", "--count", "2"))
    async with asyncio.timeout(DEADLINE_SECONDS):
        await readers(1)
        await arrive("one", PUBLIC)
        await until(lambda: any(len(feed.told) for feed in front.app.operations.live._feeds.values()))
        front.app.timelines.live.logs.clear()
        end_streams(front)
        await arrive("two", PUBLIC)
        result = await watching

    assert [line.split("\t")[2] for line in result.stdout.splitlines()] == ["one", "two"]
    assert "1 are new" in result.stderr
