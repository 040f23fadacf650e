"""The events: JSON values on the topics, validated with pydantic. Names and fields are the public contract.

Fields are only ever added; readers ignore what they do not know. A ``schema`` header carries the major version
(missing means 1): a higher one halts the partition rather than be misread, see ``microblog_streams.delivery``.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from microblog_streams.domain.ids import MAX_USER_ID, encode_user, is_post_id

#: Major version of all events that this code writes and understands.
SCHEMA: Final = 1
HEADERS: Final = {"schema": str(SCHEMA)}


def _post_id(value: UUID) -> UUID:
    if not is_post_id(value):
        raise ValueError("not a UUID of version 7")
    return value


UserId = Annotated[int, Field(gt=0, le=MAX_USER_ID)]
PostId = Annotated[UUID, AfterValidator(_post_id)]


class Event(BaseModel):
    """What all events share: camelCase JSON, immutable, unknown fields ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    @property
    def key(self) -> bytes:
        """The user whose partition the event belongs to, as 8 bytes."""
        return encode_user(self.owner)

    @property
    def owner(self) -> int:
        """The user whose partition the event belongs to."""
        raise TypeError(f"{type(self).__name__} has no owner")

    def encode(self) -> bytes:
        """Return the JSON value for Kafka."""
        return self.model_dump_json(by_alias=True).encode()


class PostCreated(Event):
    """A post was acknowledged (its confirmation by the broker is what acknowledges it)."""

    post_id: PostId
    user_id: UserId
    content: str
    created_at: datetime

    @property
    def owner(self) -> int:
        """The author."""
        return self.user_id


class PostDeleted(Event):
    """A post was deleted by its author."""

    post_id: PostId
    user_id: UserId
    deleted_at: datetime

    @property
    def owner(self) -> int:
        """The author."""
        return self.user_id


class EdgeChanged(Event):
    """What follows and unfollows share.

    ``restate`` events repeat what PostgreSQL holds, to make the table right again; they have no effects.
    """

    following: ClassVar[bool]

    follower_id: UserId
    followee_id: UserId
    version: Annotated[int, Field(gt=0, le=MAX_USER_ID)]
    at: datetime
    restate: bool = False

    @property
    def owner(self) -> int:
        """The followee: an edge lives in the partition of the one it points at."""
        return self.followee_id


class Followed(EdgeChanged):
    """``follower`` follows ``followee`` from this version of the edge on."""

    following = True


class Unfollowed(EdgeChanged):
    """``follower`` does not follow ``followee`` from this version of the edge on."""

    following = False


class UserDeleted(Event):
    """A user was deleted; their outgoing edges come as one ``user.unfollow`` each."""

    user_id: UserId
    at: datetime

    @property
    def owner(self) -> int:
        """The deleted user."""
        return self.user_id
