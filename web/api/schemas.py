"""The JSON that goes in and out: names and types. Rules for texts are the operations'; here they are only described.

Requests are strict: an id is a JSON integer, not ``"1"``, ``1.0`` or ``true``, and a field that is not known is
refused, because a misspelt one would otherwise be ignored.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, SecretStr, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from microblog_streams.domain import models
from microblog_streams.domain.ids import MAX_USER_ID
from microblog_streams.operations.pages import PostView
from microblog_streams.operations.tokens import Issued
from microblog_streams.operations.validation import (
    CONTENT,
    LEAST_PASSWORD,
    MAX_CONTENT,
    MAX_PASSWORD,
    MAX_TOKEN_NAME,
    MAX_USERNAME,
    TOKEN_NAME,
)

#: Posts that a worker keeps written.
WRITTEN: Final = 4_096
#: Characters of a post that is kept so; longer ones would make it more than 20 MB.
SHORT: Final = 1_000


def rfc3339(at: datetime) -> str:
    """Return a time in UTC with milliseconds: ``2026-11-24T12:00:00.123Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


_TIME: dict[str, Any] = {"type": "string", "format": "date-time", "examples": ["2026-11-24T12:00:00.123Z"]}
_PASSWORD = {"minLength": LEAST_PASSWORD, "maxLength": MAX_PASSWORD, "examples": ["correct horse battery"]}
_NAME = {"maxLength": MAX_TOKEN_NAME, "pattern": TOKEN_NAME, "examples": ["my phone"]}
_USERNAME = {"minLength": 1, "maxLength": MAX_USERNAME, "format": "username", "examples": ["ann"]}
_CONTENT = {"minLength": 1, "maxLength": MAX_CONTENT, "pattern": CONTENT, "examples": ["Good morning"]}

Time = Annotated[datetime, PlainSerializer(rfc3339), WithJsonSchema(_TIME)]
UserId = Annotated[int, Field(ge=1, le=MAX_USER_ID, examples=[1], json_schema_extra={"format": "int64"})]
PostId = Annotated[UUID, Field(examples=["01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e"])]
Secret = Annotated[str, Field(description="Shown this once.", examples=["mb_4e8f6a0c3d1b4c579a620b7d5e9f1c24"])]
Username = Annotated[str, Field(examples=["ann"])]
Content = Annotated[str, Field(examples=["Good morning"])]


class Body(BaseModel):
    """A request's body."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)


class NewUser(Body):
    """Somebody who registers."""

    username: Annotated[
        str,
        Field(
            description="Letters and digits of any script, `_`, `-` and `.`. Names that differ only in case or in the "
            "form of their characters are the same name.",
            json_schema_extra=_USERNAME,
        ),
    ]
    password: Annotated[
        SecretStr | None, Field(description="To ask for more tokens with, later on.", json_schema_extra=_PASSWORD)
    ] = None


class NewToken(Body):
    """Who asks for a token, and what it is for."""

    username: Username
    password: SecretStr
    name: Annotated[str, Field(description="What it is for, as its owner calls it.", json_schema_extra=_NAME)] = ""


class NewPost(Body):
    """What somebody writes."""

    user_id: UserId
    content: Annotated[
        str,
        Field(
            description="Comes back as it was sent. Of the control characters it may hold newline and tab, and it must "
            "hold one that can be seen. White space around it does not count, up to 2,000 characters with it.",
            json_schema_extra=_CONTENT,
        ),
    ]


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class User(Answer):
    """A user."""

    id: UserId
    username: Username
    created_at: Time

    @classmethod
    def of(cls, user: models.User) -> Self:
        """Return a user's JSON."""
        return cls(id=user.id, username=user.username, created_at=user.created_at)


class Registered(User):
    """A user who has just registered, with the token that is shown this once."""

    token: Secret

    @classmethod
    def with_token(cls, user: models.User, token: SecretStr) -> Self:
        """Return the JSON of both."""
        return cls(id=user.id, username=user.username, created_at=user.created_at, token=token.get_secret_value())


class Token(Answer):
    """A token, as its owner sees it later."""

    id: UserId
    name: str
    created_at: Time
    last_used_at: Time | None

    @classmethod
    def of(cls, token: models.Token) -> Self:
        """Return a token's JSON."""
        return cls(id=token.id, name=token.name, created_at=token.created_at, last_used_at=token.last_used_at)


class IssuedToken(Token):
    """A new token, with the secret that is shown this once, and whose it is."""

    user_id: UserId
    token: Secret

    @classmethod
    def of_issued(cls, issued: Issued) -> Self:
        """Return a new token's JSON."""
        token = issued.token
        return cls(**Token.of(token).model_dump(), user_id=token.user, token=issued.secret.get_secret_value())


class Post(Answer):
    """A post; also a timeline's item."""

    post_id: PostId
    user_id: UserId
    username: Username
    content: Content
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


def posts_json(posts: Iterable[PostView]) -> bytes:
    """Return the JSON of posts, each as ``Post`` writes it."""
    texts = [_post_json(post) if len(post.content) <= SHORT else _post_json.__wrapped__(post) for post in posts]
    return b"[" + b",".join(texts) + b"]"


@lru_cache(WRITTEN)
def _post_json(post: PostView) -> bytes:
    """Return one, but without a model: that costs more than the text. The same posts are on many pages."""
    fields = {
        "postId": str(post.id),
        "userId": post.author,
        "username": post.username,
        "content": post.content,
        "createdAt": rfc3339(post.created_at),
    }
    return to_json(fields)


class Following(Answer):
    """Whether somebody follows somebody, after POST or DELETE."""

    follower_id: UserId
    followee_id: UserId
    following: bool


class Blocking(Answer):
    """Whether somebody blocks somebody, after POST or DELETE."""

    blocker_id: UserId
    blocked_id: UserId
    blocking: bool


class Health(Answer):
    """What is well and what is not. What is there besides `status` is for people, and may change."""

    model_config = ConfigDict(extra="allow")

    status: Literal["ok", "degraded"]


class Readiness(Answer):
    """That the worker serves requests."""

    status: Literal["ready"]


class WrongField(Answer):
    """One thing that is wrong with a request."""

    field: Annotated[str, Field(description="The field, parameter or header.", examples=["limit"])]
    message: Annotated[str, Field(examples=["must be a whole number from 1 to 100"])]


class Problem(Answer):
    """An error (RFC 9457)."""

    type: Annotated[str, Field(description="Stable: decide by it.", examples=["/problems/not-found"])]
    title: Annotated[str, Field(examples=["Not found"])]
    status: Annotated[int, Field(ge=400, le=599, examples=[404])]
    detail: Annotated[str, Field(description="What is particular to this one, for people.")]
    errors: Annotated[list[WrongField], Field(description="One entry a wrong field.", default_factory=list)]
    request_id: Annotated[str, Field(description="What to ask about.")]
