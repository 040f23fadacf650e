"""Times and posts as JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import PostView
from web.api.schemas import Post, posts_json, rfc3339

NOON = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOON, "2026-11-24T12:00:00.123Z"),
        (NOON.replace(microsecond=0), "2026-11-24T12:00:00.000Z"),
        (NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), "2026-11-24T12:00:00.123Z"),
    ],
)
def test_times_are_utc_with_milliseconds(at, text):
    assert rfc3339(at) == text


@pytest.mark.parametrize("text", ["plain", 'Ünïcode, 👩‍🚀,\n tab\t, "quote" and \\ too'])
def test_posts_are_written_as_their_model_says(text):
    posts = [PostView(new_post_id(), 2**63 - 1, name, text) for name in ("ann", "bø")]
    for _ in range(2):  # the second time they are kept
        assert json.loads(posts_json(posts)) == [_dumped(post) for post in posts]


def _dumped(post):
    fields = {name: getattr(post, name) for name in ("username", "content", "created_at")}
    return Post(post_id=post.id, user_id=post.author, **fields).model_dump(mode="json", by_alias=True)


def test_no_posts_are_an_empty_list():
    assert posts_json([]) == b"[]"
