"""The JSON of requests and responses: names, types and descriptions. Rules for texts are checked by the operations.

Requests are strict: an id is a JSON integer, not ``"1"``, ``1.0`` or ``true``, and an unknown field is refused, because
a misspelt one would be ignored silently.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, PlainSerializer, SecretStr, TypeAdapter, WithJsonSchema
from pydantic_core import to_json

from microblog_streams.domain import models
from microblog_streams.domain.ids import MAX_USER_ID
from microblog_streams.domain.models import PostView
from microblog_streams.operations.profiles import MAX_COUNTED_POSTS, ProfilePage
from microblog_streams.operations.tokens import Issued
from microblog_streams.operations.validation import (
    CONTENT,
    DISPLAY_NAME,
    MAX_CONTENT,
    MAX_DISPLAY_NAME,
    MAX_LINK,
    MAX_LINKS,
    MAX_NOTE,
    MAX_PASSWORD,
    MAX_TOKEN_NAME,
    MAX_USERNAME,
    MIN_PASSWORD,
    NOTE,
    TOKEN_NAME,
)
from microblog_streams.search.find import FoundPost as FoundPostValue
from microblog_streams.search.find import Trend
from web.http.body import RequestModel
from web.http.responses import ResponseModel


def rfc3339(at: datetime) -> str:
    """Return a time in UTC with milliseconds, as ``2026-11-24T12:00:00.123Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


_TIME: dict[str, Any] = {"type": "string", "format": "date-time", "examples": ["2026-11-24T12:00:00.123Z"]}
_PASSWORD = {"minLength": MIN_PASSWORD, "maxLength": MAX_PASSWORD, "examples": ["correct horse battery"]}
_NAME = {"maxLength": MAX_TOKEN_NAME, "pattern": TOKEN_NAME, "examples": ["my phone"]}
_USERNAME = {"minLength": 1, "maxLength": MAX_USERNAME, "format": "username", "examples": ["ann"]}
_CONTENT = {"minLength": 1, "maxLength": MAX_CONTENT, "pattern": CONTENT, "examples": ["Good morning"]}

_DISPLAY_NAME = {"maxLength": MAX_DISPLAY_NAME, "pattern": DISPLAY_NAME, "examples": ["Ann Lee"]}
_NOTE = {"maxLength": MAX_NOTE, "pattern": NOTE, "examples": ["Early riser"]}
_LINK = {"maxLength": MAX_LINK, "format": "https-url"}
_LINKS = {"maxItems": MAX_LINKS, "examples": [["https://example.org/ann"]]}

Time = Annotated[datetime, PlainSerializer(rfc3339), WithJsonSchema(_TIME)]
UserId = Annotated[int, Field(ge=1, le=MAX_USER_ID, examples=[1], json_schema_extra={"format": "int64"})]
PostId = Annotated[UUID, Field(examples=["01a20d6d-64e5-7c3b-8d2e-6f1a2b3c4d5e"])]
Secret = Annotated[
    str, Field(description="Shown only in this response.", examples=["mb_4e8f6a0c3d1b4c579a620b7d5e9f1c24"])
]
Username = Annotated[str, Field(examples=["ann"])]
Content = Annotated[str, Field(examples=["Good morning"])]
Link = Annotated[str, Field(json_schema_extra=_LINK)]


class NewUser(RequestModel):
    """A registration."""

    username: Annotated[
        str,
        Field(
            description="Letters and digits of any script, `_`, `-` and `.`. Names that differ only in case or in the "
            "Unicode form of their characters are the same name.",
            json_schema_extra=_USERNAME,
        ),
    ]
    password: Annotated[
        SecretStr | None,
        Field(description="Needed to log in later, which issues more tokens.", json_schema_extra=_PASSWORD),
    ] = None


class NewPassword(RequestModel):
    """Another password, or the first one."""

    password: Annotated[SecretStr, Field(json_schema_extra=_PASSWORD)]
    current_password: Annotated[
        SecretStr | None, Field(description="The password until now; not for a user who has none.")
    ] = None


class SignUp(RequestModel):
    """A registration on the page, with a password."""

    username: Annotated[str, Field(json_schema_extra=_USERNAME)]
    password: Annotated[SecretStr, Field(json_schema_extra=_PASSWORD)]


class SignIn(RequestModel):
    """Username and password."""

    username: Username
    password: SecretStr


class NewToken(RequestModel):
    """A login, which issues a token."""

    username: Username
    password: SecretStr
    name: Annotated[str, Field(description="A label, such as the device's name.", json_schema_extra=_NAME)] = ""


class NewPost(RequestModel):
    """A new post."""

    user_id: UserId
    content: Annotated[
        str,
        Field(
            description="Returned as it was sent. Newline and tab are the only control characters allowed, and at "
            "least one character must be visible. Surrounding white space does not count, up to 2,000 characters in "
            "total.",
            json_schema_extra=_CONTENT,
        ),
    ]


class ProfileChange(RequestModel):
    """A change of a profile. A field that is missing or null stays as it is."""

    display_name: Annotated[
        str | None,
        Field(
            description="Shown in place of the username where it is not empty. One line of any text; white space "
            "around it is removed.",
            json_schema_extra=_DISPLAY_NAME,
        ),
    ] = None
    note: Annotated[
        str | None,
        Field(
            description="Plain text. White space around it is removed.",
            json_schema_extra=_NOTE,
        ),
    ] = None
    links: Annotated[
        list[Link] | None,
        Field(
            description="Absolute https URLs, without user name and password.",
            json_schema_extra=_LINKS,
        ),
    ] = None


class User(ResponseModel):
    """A user."""

    id: UserId
    username: Username
    display_name: Annotated[str, Field(description="May be empty.", examples=["Ann Lee"])]
    created_at: Time

    @classmethod
    def of(cls, user: models.User) -> Self:
        """Return a user's JSON."""
        return cls(id=user.id, username=user.username, display_name=user.display_name, created_at=user.created_at)


class Profile(User):
    """A user's page. Null stands for what cannot be read at the moment."""

    note: Annotated[str | None, Field(description="Plain text, may be empty.", examples=["Early riser"])]
    links: Annotated[list[str] | None, Field(examples=[["https://example.org/ann"]])]
    posts: Annotated[
        int | None,
        Field(
            description=f"Up to {MAX_COUNTED_POSTS:,}, which means so many or more; up to half a minute old.",
            examples=[1],
        ),
    ]
    followers: Annotated[int | None, Field(description="Exact.", examples=[1])]
    followees: Annotated[
        int | None, Field(description="Exact, but for a minute after a followee was deleted.", examples=[0])
    ]
    avatar: Annotated[
        str,
        Field(
            description="The path of a picture, which changes with the picture.",
            examples=["/users/1/avatar.svg?v=4e8f6a0c3d1b"],
            json_schema_extra={"format": "uri-reference"},
        ),
    ]

    @classmethod
    def of_page(cls, page: ProfilePage, avatar: str) -> Self:
        """Return a page's JSON; ``avatar`` is the path of the user's picture."""
        return cls(
            **User.of(page.user).model_dump(),
            note=page.profile.note if page.profile else None,
            links=list(page.profile.links) if page.profile else None,
            posts=page.posts,
            followers=page.counts.followers if page.counts else None,
            followees=page.counts.followees if page.counts else None,
            avatar=avatar,
        )


class Registered(User):
    """A new user, with the secret of their first token, which is shown only in this response."""

    token: Secret

    @classmethod
    def with_token(cls, user: models.User, token: SecretStr) -> Self:
        """Return the JSON of both."""
        return cls(**User.of(user).model_dump(), token=token.get_secret_value())


class Token(ResponseModel):
    """A token, without its secret."""

    id: UserId
    name: str
    created_at: Time
    last_used_at: Time | None

    @classmethod
    def of(cls, token: models.Token) -> Self:
        """Return a token's JSON."""
        return cls(id=token.id, name=token.name, created_at=token.created_at, last_used_at=token.last_used_at)


class Session(ResponseModel):
    """Who calls, and with which token; null without one."""

    user: User | None
    token_id: UserId | None

    @classmethod
    def of(cls, user: models.User | None, token: int | None) -> Self:
        """Return a session's JSON. A user who was deleted just now has no session."""
        return cls(user=User.of(user) if user else None, token_id=token if user else None)


class IssuedToken(Token):
    """A new token, with its secret, which is shown only in this response."""

    user_id: UserId
    token: Secret

    @classmethod
    def of_issued(cls, issued: Issued) -> Self:
        """Return a new token's JSON."""
        token = issued.token
        return cls(**Token.of(token).model_dump(), user_id=token.user, token=issued.secret.get_secret_value())


class Post(ResponseModel):
    """A post, also as an item of a timeline."""

    post_id: PostId
    user_id: UserId
    username: Username
    content: Content
    created_at: Time


class Highlight(ResponseModel):
    """A place in a post's content, in code points."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(description="The first code point behind it.", ge=1)]


class FoundPost(Post):
    """A post that was found."""

    highlights: Annotated[list[Highlight], Field(description="Where it matches, in order.")]


class TrendingTag(ResponseModel):
    """A hashtag that is used now."""

    tag: Annotated[str, Field(description="In lower case, without accents and `#`.", examples=["tea"])]
    score: float
    posts: int

    @classmethod
    def of(cls, trend: Trend) -> Self:
        """Return a trend's JSON."""
        return cls(tag=trend.tag, score=round(trend.score, 3), posts=trend.posts)


_users: Final = TypeAdapter(list[User])


def users_json(users: Iterable[models.User]) -> bytes:
    """Return a JSON array of users."""
    return _users.dump_json([User.of(user) for user in users], by_alias=True)


def posts_json(posts: Iterable[PostView]) -> bytes:
    """Return a JSON array of posts, each as ``Post`` would serialise it."""
    return b"[" + b",".join([post.json or _written(post).json for post in posts]) + b"]"


def found_posts_json(found: Iterable[FoundPostValue]) -> bytes:
    """Return a JSON array of posts, each with its highlights."""
    return b"[" + b",".join([_with_highlights(each) for each in found]) + b"]"


def _with_highlights(found: FoundPostValue) -> bytes:
    places = to_json([{"start": start, "end": end} for start, end in found.highlights])
    return b'%b,"highlights":%b}' % (post_json(found.post)[:-1], places)


def post_json(post: PostView) -> bytes:
    """Return a post's JSON, as ``Post`` would serialise it."""
    return post.json or _written(post).json


def posts_digest(posts: Iterable[PostView]) -> bytes:
    """Return a SHA-256 that changes whenever ``posts_json`` does."""
    return sha256(b"".join([post.digest or _written(post).digest for post in posts])).digest()


def _written(post: PostView) -> PostView:
    """Write a post's JSON, which stays with the post. No model, which would cost more."""
    fields = {
        "postId": str(post.id),
        "userId": post.author,
        "username": post.username,
        "content": post.content,
        "createdAt": rfc3339(post.created_at),
    }
    post.json = to_json(fields)
    post.digest = sha256(post.json).digest()
    return post


class Following(ResponseModel):
    """Whether a user follows another after the call."""

    follower_id: UserId
    followee_id: UserId
    following: bool


class Blocking(ResponseModel):
    """Whether a user blocks another after the call."""

    blocker_id: UserId
    blocked_id: UserId
    blocking: bool


class Health(ResponseModel):
    """The health report. Fields other than `status` are for people, and may change."""

    model_config = ConfigDict(extra="allow")

    status: Literal["ok", "degraded"]


class Readiness(ResponseModel):
    """The worker serves requests."""

    status: Literal["ready"]


class WrongField(ResponseModel):
    """One wrong field of a request."""

    field: Annotated[str, Field(description="The field, parameter or header.", examples=["limit"])]
    message: Annotated[str, Field(examples=["must be a whole number from 1 to 100"])]


class Problem(ResponseModel):
    """An error (RFC 9457)."""

    type: Annotated[str, Field(description="Stable: clients should decide by it.", examples=["/problems/not-found"])]
    title: Annotated[str, Field(examples=["Not found"])]
    status: Annotated[int, Field(ge=400, le=599, examples=[404])]
    detail: Annotated[str, Field(description="An explanation of this occurrence, for people.")]
    errors: Annotated[list[WrongField], Field(description="One entry for each wrong field.", default_factory=list)]
    request_id: Annotated[str, Field(description="Quote it when you report the error.")]
