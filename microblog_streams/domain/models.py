"""The nouns, as stores return them and operations pass them on. Immutable, without behaviour, without I/O.

Posts and users are tuples because a page makes 20 of each: a frozen dataclass takes three times as long to make.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from microblog_streams.domain.ids import post_time


class User(NamedTuple):
    """A person who is registered."""

    id: int
    username: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to be: the SHA-256 of it, never itself; what its owner calls it; how long it is good for."""

    hash: bytes = field(repr=False)
    name: str
    life: timedelta


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept. ``last_used_at`` is right to a minute or two, None before the first use."""

    id: int
    user: int
    hash: bytes = field(repr=False)
    name: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a new user shows from then on: a password (its hash), a token, both or neither."""

    password: str | None = field(default=None, repr=False)
    token: NewToken | None = None


NO_CREDENTIALS = Credentials()


@dataclass(frozen=True, slots=True)
class Login:
    """What stands beside a name: whose it is, and the hash of their password where they have one."""

    user: int
    password: str | None = field(repr=False)


class Post(NamedTuple):
    """A post as the post store holds it. A deleted one is a flag and an emptied text, so that no replay revives it."""

    id: UUID
    author: int
    content: str
    deleted: bool = False

    @property
    def created_at(self) -> datetime:
        """The time in the id (UTC, milliseconds)."""
        return post_time(self.id)


@dataclass(frozen=True, slots=True)
class Edge:
    """Who follows whom, as one versioned row. ``version`` grows with every change of the edge, in commit order."""

    follower: int
    followee: int
    following: bool
    version: int
    changed_at: datetime


#: Bits of a version that count the changes of its edge; the era is above them.
ERA_BITS: Final = 40


@dataclass(frozen=True, slots=True)
class Era:
    """Versions of a later era are above all of an earlier one. ``began``: Unix time, in seconds, of the database."""

    number: int = 0
    began: float = 0.0


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What has a request done once, however often it comes: its Idempotency-Key, and a hash of what it asks for."""

    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Reserved:
    """The post that an Idempotency-Key stands for; ``done``: it was acknowledged, so there is nothing left to do."""

    post_id: UUID
    done: bool = False


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """An event that waits in PostgreSQL for the relay: ``topic`` is a logical name, ``id`` the order of publishing.

    ``generations``: those whose topics must get it, one after the other; none of them: it has to wait.
    """

    id: int
    topic: str
    key: bytes
    value: bytes
    headers: dict[str, str]
    generations: tuple[int, ...] = (1,)
