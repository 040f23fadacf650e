"""The events: JSON values on the topics, validated with pydantic. Names and fields are a public contract.

Fields are only added; readers ignore unknown ones. The header ``schema`` has the major version (1 if missing). An event
of a higher version halts its partition instead of being misread: see ``microblog_streams.delivery``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from microblog_streams.domain.errors import MicroblogError
from microblog_streams.domain.ids import MAX_USER_ID, encode_user, is_post_id
from microblog_streams.domain.models import Profile

#: The major version of all events that this code writes and reads.
SCHEMA: Final = 1
HEADERS: Final = {"schema": str(SCHEMA)}


def _post_id(value: UUID) -> UUID:
    if not is_post_id(value):
        raise ValueError("not a UUID of version 7")
    return value


UserId = Annotated[int, Field(gt=0, le=MAX_USER_ID)]
PostId = Annotated[UUID, AfterValidator(_post_id)]


class Event(BaseModel):
    """The base of all events: camelCase JSON, immutable, unknown fields ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    @property
    def key(self) -> bytes:
        """The owner as 8 bytes: the key of the record."""
        return encode_user(self.owner)

    @property
    def owner(self) -> int:
        """The user in whose partition the event lies."""
        raise TypeError(f"{type(self).__name__} has no owner")

    @property
    def ident(self) -> str:
        """What names the event in logs and traces."""
        return f"{type(self).__name__}-{self.owner}"

    def encode(self) -> bytes:
        """Return the JSON value for Kafka."""
        return self.model_dump_json(by_alias=True).encode()


class PostCreated(Event):
    """A post was created. The API answers once the broker has confirmed this event."""

    post_id: PostId
    user_id: UserId
    content: str
    created_at: datetime

    @property
    def ident(self) -> str:
        """The post's id."""
        return str(self.post_id)

    @property
    def owner(self) -> int:
        """The author."""
        return self.user_id


class PostDeleted(Event):
    """A post's author deleted it."""

    post_id: PostId
    user_id: UserId
    deleted_at: datetime

    @property
    def ident(self) -> str:
        """The post's id."""
        return str(self.post_id)

    @property
    def owner(self) -> int:
        """The author."""
        return self.user_id


class EdgeChanged(Event):
    """The base of follows and unfollows.

    A ``restate`` event republishes PostgreSQL's row to repair the follower table; it leaves timelines alone.
    """

    following: ClassVar[bool]

    follower_id: UserId
    followee_id: UserId
    version: Annotated[int, Field(gt=0, le=MAX_USER_ID)]
    at: datetime
    restate: bool = False

    @property
    def owner(self) -> int:
        """The followee: an edge lies in the followee's partition, where their posts arrive."""
        return self.followee_id

    @property
    def ident(self) -> str:
        """The edge's version: ``follower-followee-version``."""
        return f"{self.follower_id}-{self.followee_id}-{self.version}"


class Followed(EdgeChanged):
    """The follower follows the followee as of this edge version."""

    following = True


class Unfollowed(EdgeChanged):
    """The follower no longer follows the followee as of this edge version."""

    following = False


class UserCreated(Event):
    """A user registered."""

    user_id: UserId
    username: str
    at: datetime

    @property
    def ident(self) -> str:
        """The new user."""
        return f"user-{self.user_id}"

    @property
    def owner(self) -> int:
        """The new user."""
        return self.user_id


class UserDeleted(Event):
    """A user was deleted. Each of their outgoing edges comes as a ``user.unfollow`` of its own."""

    user_id: UserId
    at: datetime

    @property
    def owner(self) -> int:
        """The deleted user."""
        return self.user_id

    @property
    def ident(self) -> str:
        """The deleted user."""
        return f"user-{self.user_id}"


class UserChanged(Event):
    """A user changed their profile, or ``followers`` changed by a step (``stores/postgres/profiles.py``).

    The fields are those of this change's commit; a later event may be read first.
    """

    user_id: UserId
    username: str
    display_name: str
    note: str
    links: tuple[str, ...]
    at: datetime
    #: How many followed the user then: a rank for the search, and no more exact than the steps.
    followers: Annotated[int, Field(ge=0)] = 0

    @classmethod
    def of(cls, profile: Profile, at: datetime, followers: int = 0) -> Self:
        """Return the event of a profile as it is since ``at``, by this worker's clock.

        No earlier than the registration, which has PostgreSQL's time: the search index takes no older document.
        """
        user = profile.user
        return cls(
            user_id=user.id,
            username=user.username,
            display_name=user.display_name,
            note=profile.note,
            links=profile.links,
            at=max(at, user.created_at),
            followers=followers,
        )

    @property
    def owner(self) -> int:
        """The user."""
        return self.user_id


E = TypeVar("E", bound=Event)


class UndecodableEvent(MicroblogError):
    """The record can never be decoded; it becomes a dead letter."""


class UnknownSchema(MicroblogError):
    """The record has a newer schema than this worker knows; a newer version will decode it."""


def decode(model: type[E], key: bytes | None, value: bytes | None, headers: Mapping[str, Any]) -> E:
    """Return a record's event.

    Raises UndecodableEvent where header, JSON, fields or key are wrong, and UnknownSchema for a newer schema.
    """
    if (schema := _schema(headers)) > SCHEMA:
        raise UnknownSchema(f"schema {schema} is newer than {SCHEMA}, which this worker knows")
    try:
        event = model.model_validate_json(value or b"")
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "value"
        raise UndecodableEvent(f"{where}: {first['msg']}") from None
    if key != event.key:
        raise UndecodableEvent(f"key: not that of user {event.owner}, to whom the event belongs")
    return event


def _schema(headers: Mapping[str, Any]) -> int:
    raw = headers.get("schema", b"1")
    try:
        return int(raw.decode("ascii") if isinstance(raw, bytes) else raw)
    except (ValueError, AttributeError, TypeError):
        raise UndecodableEvent("header schema: not a number") from None
