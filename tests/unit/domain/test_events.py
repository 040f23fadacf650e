"""The events' names and fields are a public contract: spelled out here, so that no refactoring changes them."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from pydantic import ValidationError

from microblog_streams.domain import events
from microblog_streams.domain.events import (
    EdgeChanged,
    Event,
    Followed,
    PostCreated,
    PostDeleted,
    Unfollowed,
    UserDeleted,
)
from microblog_streams.domain.ids import MAX_USER_ID

POST = UUID("018bcfe5-687b-7000-8000-000000000001")
AT = datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)
AT_JSON = "2023-11-14T22:13:20.123000Z"
EDGE_JSON = {"followerId": 1, "followeeId": 2, "version": 3, "at": AT_JSON, "restate": False}
EXAMPLES = [
    (
        PostCreated(post_id=POST, user_id=7, content="Grüße\n", created_at=AT),
        {"postId": str(POST), "userId": 7, "content": "Grüße\n", "createdAt": AT_JSON},
        7,
    ),
    (
        PostDeleted(post_id=POST, user_id=7, deleted_at=AT),
        {"postId": str(POST), "userId": 7, "deletedAt": AT_JSON},
        7,
    ),
    (Followed(follower_id=1, followee_id=2, version=3, at=AT), EDGE_JSON, 2),
    (Unfollowed(follower_id=1, followee_id=2, version=3, at=AT), EDGE_JSON, 2),
    (UserDeleted(user_id=7, at=AT), {"userId": 7, "at": AT_JSON}, 7),
]
NAMES = [type(event).__name__ for event, _, _ in EXAMPLES]


@pytest.mark.parametrize(("event", "value", "owner"), EXAMPLES, ids=NAMES)
class TestEvery:
    def test_its_json_is_camel_case(self, event, value, owner):
        assert json.loads(event.encode()) == value

    def test_decoding_reverses_encoding(self, event, value, owner):
        assert type(event).model_validate_json(event.encode()) == event

    def test_unknown_fields_are_ignored(self, event, value, owner):
        assert type(event).model_validate({**value, "addedLater": [1]}) == event

    def test_no_field_may_be_missing(self, event, value, owner):
        for name in value.keys() - {"restate"}:
            with pytest.raises(ValidationError, match=name):
                type(event).model_validate({field: each for field, each in value.items() if field != name})

    def test_its_key_is_its_owners(self, event, value, owner):
        assert (event.owner, event.key) == (owner, bytes(7) + bytes([owner]))

    @pytest.mark.parametrize("user", [0, -1, MAX_USER_ID + 1, "ann", None, 1.5])
    def test_only_a_users_id_is_one(self, event, value, owner, user):
        for field in value.keys() & {"userId", "followerId", "followeeId"}:
            with pytest.raises(ValidationError, match=field):
                type(event).model_validate({**value, field: user})

    @pytest.mark.parametrize("post", ["27089924-88c7-4fa7-9823-ad8efa90b8c3", str(UUID(int=0)), "1", 1, None])
    def test_only_a_uuid_of_version_7_is_a_post(self, event, value, owner, post):
        if "postId" in value:
            with pytest.raises(ValidationError, match="postId"):
                type(event).model_validate({**value, "postId": post})

    def test_it_does_not_change(self, event, value, owner):
        with pytest.raises(ValidationError, match="frozen"):
            event.__setattr__(next(iter(type(event).model_fields)), 1)


def test_a_follow_and_an_unfollow_differ_by_their_topic_only():
    assert (Followed.following, Unfollowed.following) == (True, False)
    assert Followed.model_fields.keys() == Unfollowed.model_fields.keys() == EdgeChanged.model_fields.keys()


def test_a_restated_edge_says_so():
    assert not Followed.model_validate({name: EDGE_JSON[name] for name in EDGE_JSON if name != "restate"}).restate
    assert Followed.model_validate({**EDGE_JSON, "restate": True}).restate


@pytest.mark.parametrize("version", [0, -1, 2**63])
def test_an_edges_version_is_a_positive_bigint(version):
    with pytest.raises(ValidationError, match="version"):
        Followed.model_validate({**EDGE_JSON, "version": version})


def test_times_are_moments_in_any_zone():
    there = UserDeleted(user_id=7, at=AT.astimezone(timezone(timedelta(hours=9))))
    assert UserDeleted.model_validate_json(there.encode()).at == AT


def test_the_base_event_has_no_owner():
    with pytest.raises(TypeError, match="no owner"):
        _ = Event().owner


@pytest.mark.parametrize(
    ("event", "ident"),
    [
        (PostCreated(post_id=POST, user_id=7, content="x", created_at=AT), str(POST)),
        (PostDeleted(post_id=POST, user_id=7, deleted_at=AT), str(POST)),
        (Followed(follower_id=1, followee_id=2, version=3, at=AT), "1-2-3"),
        (UserDeleted(user_id=7, at=AT), "user-7"),
    ],
)
def test_every_event_has_a_name_for_the_logs(event, ident):
    assert event.ident == ident


def test_every_event_is_sent_with_the_version_of_its_schema():
    assert events.HEADERS == {"schema": str(events.SCHEMA)} == {"schema": "1"}
