"""What the API answers, as Python sees it: frozen, and blind to fields that it does not know.

The API promises additions only, so a newer server may say more than this client understands, and must not break it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom calls are made: a user's id, and the token that shows it. No token where the server asks for none."""

    user: int
    #: Not shown: representations end up in logs.
    token: str | None = field(default=None, repr=False)


class Model(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class User(Model):
    """A person."""

    id: int
    username: str
    created_at: datetime


class Post(Model):
    """A post, also as a timeline's item. Ids are in the order of time."""

    post_id: UUID
    user_id: int
    username: str
    content: str
    created_at: datetime


class Following(Model):
    """Whether somebody follows somebody, after following or unfollowing."""

    follower_id: int
    followee_id: int
    following: bool


class Blocking(Model):
    """Whether somebody blocks somebody, after blocking or unblocking."""

    blocker_id: int
    blocked_id: int
    blocking: bool


class Token(Model):
    """What a token is known by, without the token itself."""

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None = None


class NewToken(Token):
    """A token right after it was made: the only time that it is shown."""

    user_id: int
    token: str = Field(repr=False)

    @property
    def identity(self) -> Identity:
        """As whom calls with it are made."""
        return Identity(self.user_id, self.token)


@dataclass(frozen=True, slots=True)
class Registered:
    """Somebody new. Their token is shown this once; None where the server asks for none."""

    user: User
    token: str | None = field(default=None, repr=False)

    @property
    def identity(self) -> Identity:
        """As whom calls with it are made."""
        return Identity(self.user.id, self.token)
