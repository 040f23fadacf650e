"""Watching a timeline: what counts as new, whatever else happens to it. Without a network and without a clock."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest

from microblog_streams.client import NotFound, Page, Post, TooManyRequests, Unavailable, Unreachable
from microblog_streams.client.errors import error_for
from microblog_streams.client.models import Response
from microblog_streams.client.pages import TimelinePoller

NOW = datetime(2026, 11, 26, tzinfo=UTC)
PAGE = 3


def post(number):
    return Post(post_id=UUID(int=number), user_id=1, username="ann", content=str(number), created_at=NOW)


@dataclass
class Timeline:
    """A timeline of numbers, in pages of three. ``then`` is what happens to it before each look."""

    posts: set
    then: list = field(default_factory=list)
    looks: int = 0

    async def page(self, at=None):
        below = sorted((number for number in self.posts if at is None or number < at), reverse=True)
        items = tuple(post(number) for number in below[:PAGE])
        return Page(items, next=below[PAGE - 1] if len(below) > PAGE else None)

    async def changed(self, since):
        self.looks += 1
        if not self.then:
            raise StopWatching
        change = self.then.pop(0)
        if isinstance(change, Exception):
            raise change
        if isinstance(change, Page):
            return change
        if change is not None:
            self.posts = change(self.posts)
        page = await self.page()
        return None if page == since else page


class StopWatching(Exception):
    pass


@dataclass
class Watched:
    news: list
    pauses: list
    troubles: list


async def watch(posts, *then):
    """Watch a timeline of these posts through what happens to it; return what was seen."""
    seen = Watched([], [], [])

    async def sleep(seconds):
        seen.pauses.append(seconds)

    watching = TimelinePoller(Timeline(set(posts), list(then)), 5.0, seen.troubles.append, sleep)
    with pytest.raises(StopWatching):
        async for each in watching.posts():
            seen.news.append(int(each.content))
    return seen


def plus(*numbers):
    return lambda posts: posts | set(numbers)


def minus(*numbers):
    return lambda posts: posts - set(numbers)


async def test_what_was_there_before_is_not_new():
    assert (await watch([1, 2, 3, 4, 5], None, None)).news == []


async def test_new_posts_come_oldest_first_each_once():
    assert (await watch([1], plus(3, 2), None, plus(4))).news == [2, 3, 4]


async def test_a_post_that_arrives_below_others_is_new():
    assert (await watch([10], plus(30), plus(20))).news == [30, 20]


async def test_more_than_a_page_at_once_is_read_to_its_end():
    assert (await watch([1, 2, 3, 4], plus(*range(5, 15)))).news == list(range(5, 15))


async def test_more_than_a_page_on_an_empty_timeline_is_read_to_its_end():
    assert (await watch([], plus(*range(5, 15)))).news == list(range(5, 15))


async def test_an_old_post_that_fills_the_page_after_a_deletion_is_not_new():
    assert (await watch([1, 2, 3, 4, 5], minus(4), minus(5), plus(6))).news == [6]


async def test_many_pages_later_old_posts_are_still_not_new():
    assert (await watch([1, 2, 3], plus(*range(4, 12)), minus(9, 10, 11), plus(12))).news == [*range(4, 13)]


async def test_a_timeline_that_was_emptied_goes_on():
    assert (await watch([1, 2], minus(1, 2), plus(3))).news == [3]


@pytest.mark.parametrize("trouble", [Unreachable("gone"), error_for(Response(503, {})), error_for(Response(429, {}))])
async def test_what_may_pass_is_told_and_nothing_is_missed(trouble):
    seen = await watch([1], plus(2), trouble, plus(3))

    assert seen.news == [2, 3]
    assert seen.troubles == [trouble]


@pytest.mark.parametrize(("asked", "pause"), [("60", 60.0), ("1", 5.0)])
async def test_a_longer_pause_is_kept_where_the_server_asks_for_it(asked, pause):
    trouble = error_for(Response(503, {"Retry-After": asked}))

    seen = await watch([1], trouble, None)

    assert isinstance(trouble, Unavailable) and not isinstance(trouble, TooManyRequests)
    assert seen.pauses == [5.0, pause, 5.0]


async def test_what_will_not_pass_ends_the_watch():
    watching = TimelinePoller(Timeline({1}, [error_for(Response(404, {}))]), 0.0, lambda _: None, _at_once)

    with pytest.raises(NotFound):
        await anext(watching.posts())


async def test_a_page_that_may_lack_posts_is_no_news_and_asked_for_again():
    """What it lacks would else count as new when it is there again."""
    incomplete = Page((post(2),), whole=False, retry_after=7.0)

    seen = await watch([1, 2, 3], incomplete, None, plus(4))

    assert seen.news == [4]
    assert seen.pauses == [5.0, 7.0, 5.0, 5.0]


async def _at_once(seconds):
    pass
