"""The objects of the API, and requests and responses, as plain values: only ``transport`` needs a network.

The objects are frozen, and ignore unknown fields: a newer server may add some.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

KEY_HEADER: Final = "Idempotency-Key"
#: The header, and its value on a page of a timeline that may lack posts.
STATE_HEADER, INCOMPLETE = "Timeline-State", "incomplete"


@dataclass(frozen=True, slots=True)
class Identity:
    """A user's id and token, as which calls are made. The token is None if the server runs without authentication."""

    user: int
    #: Not in the repr, because those end up in logs.
    token: str | None = field(default=None, repr=False)


class Model(BaseModel):
    """Base class: camelCase in JSON, snake_case in Python."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class User(Model):
    """A user."""

    id: int
    username: str
    #: Any text, may be empty.
    display_name: str = ""
    created_at: datetime


class Profile(User):
    """A user's page. None stands for what the server could not read."""

    note: str | None = None
    links: tuple[str, ...] | None = None
    #: Counted up to 1,000.
    posts: int | None = None
    followers: int | None = None
    followees: int | None = None
    #: The path of a picture (SVG), relative to the server.
    avatar: str = ""


class Post(Model):
    """A post, also as an item of a timeline. Post ids sort by creation time."""

    post_id: UUID
    user_id: int
    username: str
    content: str
    created_at: datetime


class Highlight(Model):
    """A place in a post's content: code points from ``start`` up to ``end`` (exclusive)."""

    start: int
    end: int


class FoundPost(Post):
    """A post that a search has found, and where it matches."""

    highlights: tuple[Highlight, ...] = ()


class Trend(Model):
    """A hashtag that is used now. ``score`` counts its authors, those of earlier hours less."""

    tag: str
    score: float
    posts: int


class Following(Model):
    """Whether one user follows another, after a follow or unfollow."""

    follower_id: int
    followee_id: int
    following: bool


class Blocking(Model):
    """Whether one user blocks another, after a block or unblock."""

    blocker_id: int
    blocked_id: int
    blocking: bool


class Token(Model):
    """A token's id, name and dates, without the token itself."""

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None = None


class NewToken(Token):
    """A token that was just issued: the only response that contains it."""

    user_id: int
    token: str = Field(repr=False)

    @property
    def identity(self) -> Identity:
        """The identity for calls with this token."""
        return Identity(self.user_id, self.token)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new user, with a first token; None if the server runs without authentication."""

    user: User
    token: str | None = field(default=None, repr=False)

    @property
    def identity(self) -> Identity:
        """The identity for calls as the new user."""
        return Identity(self.user.id, self.token)


@dataclass(frozen=True, slots=True)
class Request:
    """A request. ``path`` begins with a slash and may have a query; ``body`` is sent as JSON."""

    method: str
    path: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: If true, a page that may lack posts is not accepted: the request is repeated, as after a 503.
    whole: bool = True
    #: If true, a 404 after an attempt that may have taken effect says that it did.
    ends_what_is_there: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """A response of any status. ``headers`` ignores case, if it comes from aiohttp."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def incomplete(self) -> bool:
        """Whether this is a page of a timeline that may lack posts."""
        return self.headers.get(STATE_HEADER) == INCOMPLETE


def post(path: str, body: object = None) -> Request:
    """Return a POST with a new Idempotency-Key: the server executes it once, however often it is sent."""
    return Request("POST", path, body, {KEY_HEADER: str(uuid4())})


def delete(path: str) -> Request:
    """Return a DELETE of what is not found any more once it is deleted."""
    return Request("DELETE", path, ends_what_is_there=True)


def path(*parts: object, **query: object) -> str:
    """Return ``/part/part?name=value``; an empty last part makes a slash at the end.

    Parts are percent-encoded, so a part that contains a slash or ``..`` leads nowhere else.
    """
    target = "/" + "/".join(quote(str(part), safe="", errors="replace") for part in parts)
    return f"{target}?{urlencode(query, errors='replace')}" if query else target
