"""What a reader of a live timeline has, and what is wrong with it."""

from uuid import UUID

import pytest

from microblog_streams.client import LiveEvent, Post
from tests.support.workload.live_view import LiveReport, LiveView
from tests.support.workload.report import DOUBLED, MISSING, STRAY

ANN, BOB = 1, 2
ONE, TWO = str(UUID(int=1)), str(UUID(int=2))
RESET = LiveEvent("reset", "1-0")


def arrival(ident, position="2-0"):
    post = Post(postId=ident, userId=BOB, username="bob", content="", createdAt="2026-01-01T00:00:00Z")
    return LiveEvent("post", position, post=post)


def deletion(ident):
    return LiveEvent("delete", "3-0", post_id=UUID(ident))


@pytest.fixture
def view():
    return LiveView(ANN, LiveReport())


def wrong(view, *timeline):
    return [(finding.kind, finding.post) for finding in view.differences(timeline)]


def test_the_page_and_what_came_since_are_the_timeline(view):
    view.take(RESET)
    view.read([ONE])
    view.take(arrival(TWO))
    view.take(deletion(ONE))

    assert wrong(view, TWO) == []
    assert (view.position, view.stale) == ("3-0", False)
    assert (view.report.posts, view.report.deletions, view.report.resets) == (1, 1, 1)
    assert view.report.good


def test_a_post_that_was_not_told_and_a_deletion_that_was_not_are_found(view):
    view.take(RESET)
    view.read([ONE])

    assert wrong(view, TWO) == [(MISSING, TWO), (STRAY, ONE)]


def test_a_post_that_is_told_twice_is_found_unless_a_reset_is_between(view):
    view.take(RESET)
    view.read([])
    view.take(arrival(ONE))
    view.take(RESET)
    view.take(arrival(ONE))
    assert view.report.good

    view.take(arrival(ONE, "4-0"))

    assert view.report.count(DOUBLED) == 1
    assert not view.report.good
    assert view.report.told == [f"live doubled: reader {ANN} author {BOB} post {ONE} at 4-0"]


def test_after_a_reset_the_page_counts(view):
    view.take(arrival(ONE))
    view.take(RESET)
    assert view.stale

    view.read([TWO])

    assert wrong(view, TWO) == []


def test_where_nothing_was_told_nothing_was_seen(view):
    assert not view.report.good
