"""The values that stores return and operations pass on: immutable, without behaviour or I/O.

Posts and users are named tuples because a page makes 20 of each, and a frozen dataclass takes three times as long.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from microblog_streams.domain.ids import post_time


class User(NamedTuple):
    """A registered user."""

    id: int
    username: str
    created_at: datetime
    #: Any text, may be empty.
    display_name: str = ""


class Suspension(NamedTuple):
    """A suspended user, since when they are, and why; the reason may be empty."""

    user: User
    at: datetime
    reason: str


class FollowCounts(NamedTuple):
    """How many undeleted users follow a user, and are followed by them. Suspended users count."""

    followers: int
    followees: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What a user's page says of them."""

    user: User
    note: str = ""
    #: Absolute https URLs.
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """New values of a profile's fields; None leaves a field as it is."""

    display_name: str | None = None
    note: str | None = None
    links: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to be stored: its SHA-256 (never the token itself), its name and its lifetime."""

    hash: bytes = field(repr=False)
    name: str
    life: timedelta


@dataclass(frozen=True, slots=True)
class Token:
    """A stored token. ``last_used_at`` is accurate to about two minutes, and None before the first use."""

    id: int
    user: int
    hash: bytes = field(repr=False)
    name: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a new user: the hash of a password, a token, both or neither."""

    password: str | None = field(default=None, repr=False)
    token: NewToken | None = None


NO_CREDENTIALS = Credentials()


@dataclass(frozen=True, slots=True)
class Login:
    """The user of a name, and the hash of their password if they have one."""

    user: int
    password: str | None = field(repr=False)


class Post(NamedTuple):
    """A stored post. A deleted one keeps its row, with a flag and an empty text, so that no replay revives it."""

    id: UUID
    author: int
    content: str
    deleted: bool = False

    @property
    def created_at(self) -> datetime:
        """The time from the id (UTC, to the millisecond)."""
        return post_time(self.id)


@dataclass(slots=True)
class PostView:
    """A post with its author's name, as pages show it. The same object is on many pages, and is not changed."""

    id: UUID
    author: int
    username: str
    content: str
    #: The JSON that ``web.api.schemas`` writes, once for all pages, and a hash of it; empty before.
    json: bytes = field(default=b"", compare=False, repr=False)
    digest: bytes = field(default=b"", compare=False, repr=False)

    @property
    def created_at(self) -> datetime:
        """The time from the id (UTC, to the millisecond)."""
        return post_time(self.id)


@dataclass(frozen=True, slots=True)
class Edge:
    """A follow edge. ``version`` grows with every change of the edge, in commit order."""

    follower: int
    followee: int
    following: bool
    version: int
    changed_at: datetime


#: Low bits of an edge version, which count the edge's changes; the era is in the bits above.
ERA_BITS: Final = 40


@dataclass(frozen=True, slots=True)
class Era:
    """An era: its edge versions are above all of earlier eras. ``began`` is PostgreSQL's Unix time in seconds."""

    number: int = 0
    began: float = 0.0


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The Idempotency-Key of a request, and a hash of the request, which is executed once."""

    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Reserved:
    """The post id that is reserved for an Idempotency-Key. ``done``: the post was already published."""

    post_id: UUID
    done: bool = False


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """An event in the outbox. ``topic`` is a logical name; ``id`` gives the order of publishing.

    ``generations`` are the topic sets to publish it to, in this order; if there is none, it has to wait.
    """

    id: int
    topic: str
    key: bytes
    value: bytes
    headers: dict[str, str]
    generations: tuple[int, ...] = (1,)
