"""The JSON that goes in and out: names, types and nothing else. Rules for texts are the operations'.

Requests are strict: an id is a JSON integer, not ``"1"``, ``1.0`` or ``true``, and a field that is not known is
refused, because a misspelt one would otherwise be ignored.
"""

from datetime import UTC, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, SecretStr
from pydantic.alias_generators import to_camel

from microblog_streams import records
from microblog_streams.ids import MAX_USER_ID
from microblog_streams.operations.pages import PostView
from microblog_streams.operations.tokens import Issued


def rfc3339(at: datetime) -> str:
    """Return a time in UTC with milliseconds: ``2026-11-24T12:00:00.123Z``."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


Time = Annotated[datetime, PlainSerializer(rfc3339)]
UserId = Annotated[int, Field(ge=1, le=MAX_USER_ID)]


class Body(BaseModel):
    """A request's body."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


class NewUser(Body):
    """What POST /users/ takes."""

    username: str
    password: SecretStr | None = None


class NewToken(Body):
    """What POST /tokens/ takes."""

    username: str
    password: SecretStr
    name: str = ""


class NewPost(Body):
    """What POST /posts/ takes."""

    user_id: UserId
    content: str


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class User(Answer):
    """A user, as answered."""

    id: int
    username: str
    created_at: Time

    @classmethod
    def of(cls, user: records.User) -> Self:
        """Return a user's JSON."""
        return cls(id=user.id, username=user.username, created_at=user.created_at)


class Registered(User):
    """A user who has just registered, with the token that is shown this once."""

    token: str

    @classmethod
    def with_token(cls, user: records.User, token: SecretStr) -> Self:
        """Return the JSON of both."""
        return cls(id=user.id, username=user.username, created_at=user.created_at, token=token.get_secret_value())


class Token(Answer):
    """A token, as its owner sees it later."""

    id: int
    name: str
    created_at: Time
    last_used_at: Time | None

    @classmethod
    def of(cls, token: records.Token) -> Self:
        """Return a token's JSON."""
        return cls(id=token.id, name=token.name, created_at=token.created_at, last_used_at=token.last_used_at)


class IssuedToken(Token):
    """A new token, with the secret that is shown this once."""

    token: str

    @classmethod
    def of_issued(cls, issued: Issued) -> Self:
        """Return a new token's JSON."""
        return cls(**Token.of(issued.token).model_dump(), token=issued.secret.get_secret_value())


class Post(Answer):
    """A post, as answered; also a timeline's item."""

    post_id: UUID
    user_id: int
    username: str
    content: str
    created_at: Time

    @classmethod
    def of(cls, post: PostView) -> Self:
        """Return a post's JSON."""
        return cls(
            post_id=post.id,
            user_id=post.author,
            username=post.username,
            content=post.content,
            created_at=post.created_at,
        )


class Following(Answer):
    """Whether somebody follows somebody, after POST or DELETE."""

    follower_id: int
    followee_id: int
    following: bool


class Blocking(Answer):
    """Whether somebody blocks somebody, after POST or DELETE."""

    blocker_id: int
    blocked_id: int
    blocking: bool
