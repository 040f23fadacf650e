"""Bodies and names close at hand: two caches in Redis that forget, and that remember deletions for an hour.

Values are JSON, with a flag in place of the text in the mark of a deletion. Filling never replaces anything (SET NX):
who read the store before a deletion and fills after it finds the mark there. The hour is how late that may be.
"""

import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

from microblog_streams.records import Post, User
from microblog_streams.stores.redis import Redis

log = logging.getLogger(__name__)

#: Seconds that a deletion's mark stays.
MARK_SECONDS: Final = 3_600
#: What the keys of posts and of users begin with; the id follows.
POSTS: Final = "post:"
USERS: Final = "user:"
#: Bytes of a post's value that tell whose it is and whether it is deleted, with a user id of any length.
HEAD: Final = 40
_HEAD: Final = re.compile(rb'\{"author":(\d+),"(content|deleted)"')
#: Seconds that a body stays: posts never change, and most of what is read was written since yesterday.
POST_SECONDS: Final = 86_400
#: Seconds that a user stays: the same few come with every page, so an hour already saves nearly all reads.
USER_SECONDS: Final = 3_600


class PostBody(BaseModel):
    """What is kept of a post."""

    author: int
    content: str


class PostMark(BaseModel):
    """What is kept of a deleted post."""

    author: int
    deleted: Literal[True]


class UserBody(BaseModel):
    """What is kept of a user."""

    username: str
    created_at: datetime


class UserMark(BaseModel):
    """What is kept of a deleted user."""

    deleted: Literal[True]


PostValue: TypeAlias = PostBody | PostMark
UserValue: TypeAlias = UserBody | UserMark
_POST: Final[TypeAdapter[PostValue]] = TypeAdapter(PostValue)
_USER: Final[TypeAdapter[UserValue]] = TypeAdapter(UserValue)


class PostCache:
    """Post bodies by id, under ``post:<uuid>`` (``interfaces.PostCache``)."""

    def __init__(self, redis: Redis) -> None:
        """Share a connection."""
        self._redis = redis

    async def get_many(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        """Return what is cached, in one round trip."""
        found = await _read(self._redis, [_post_key(post_id) for post_id in ids], _POST)
        return {post_id: _post(post_id, value) for post_id, value in zip(ids, found, strict=True) if value}

    async def fill(self, posts: Collection[Post]) -> None:
        """Add posts that are not cached, in one round trip. A deleted one puts its mark, whatever is there."""
        await _write(self._redis, [_post_write(post) for post in posts])

    async def delete(self, post_id: UUID, author: int) -> None:
        """Put the deletion mark."""
        await self.fill([Post(post_id, author, "", deleted=True)])


class UserCache:
    """Users by id, under ``user:<id>`` (``interfaces.UserCache``)."""

    def __init__(self, redis: Redis) -> None:
        """Share a connection."""
        self._redis = redis

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User | None]:
        """Return what is cached, in one round trip; None for deleted users."""
        wanted = list(ids)
        found = await _read(self._redis, [user_key(user) for user in wanted], _USER)
        return {user: _user(user, value) for user, value in zip(wanted, found, strict=True) if value}

    async def fill(self, users: Collection[User]) -> None:
        """Add users that are not cached, in one round trip."""
        await _write(self._redis, [_user_write(user) for user in users])

    async def delete(self, user: int) -> None:
        """Put the deletion mark."""
        await _write(self._redis, [_Write(user_key(user), UserMark(deleted=True), MARK_SECONDS, only_new=False)])


def post_head(raw: bytes) -> tuple[int, bool] | None:
    """Return author and whether it is deleted, from the first ``HEAD`` bytes of a post; None where they do not tell."""
    found = _HEAD.match(raw)
    return (int(found[1]), found[2] == b"deleted") if found else None


def known_users(values: Mapping[int, bytes | None]) -> dict[int, str | None]:
    """Return the names that users' values tell, None for deleted users; a user who is not cached is missing."""
    found = {user: _parse(user_key(user), raw, _USER) for user, raw in values.items()}
    return {user: value.username if isinstance(value, UserBody) else None for user, value in found.items() if value}


class _Write(NamedTuple):
    key: str
    value: BaseModel
    seconds: int
    only_new: bool


Value = TypeVar("Value")


async def _read(redis: Redis, keys: Sequence[str], values: TypeAdapter[Value]) -> list[Value | None]:
    """Return the values of the keys, None where nothing is there that can be read."""
    if not keys:
        return []
    found = await redis.read("MGET", *keys)
    return [_parse(key, raw, values) for key, raw in zip(keys, found, strict=True)]


def _parse(key: str, raw: bytes | str | None, values: TypeAdapter[Value]) -> Value | None:
    try:
        return None if raw is None else values.validate_json(raw)
    except ValidationError as error:
        log.warning("cache_value_broken key=%s errors=%d", key, error.error_count())
        return None


async def _write(redis: Redis, writes: Iterable[_Write]) -> None:
    async with redis.translated() as client, client.pipeline(transaction=False) as pipe:
        for key, value, seconds, only_new in writes:
            pipe.set(key, value.model_dump_json(), ex=seconds, nx=only_new)
        await pipe.execute()


def _post_key(post_id: UUID) -> str:
    return f"{POSTS}{post_id}"


def _post(post_id: UUID, value: PostValue) -> Post:
    if isinstance(value, PostBody):
        return Post(post_id, value.author, value.content)
    return Post(post_id, value.author, "", deleted=True)


def _post_write(post: Post) -> _Write:
    key = _post_key(post.id)
    if post.deleted:
        return _Write(key, PostMark(author=post.author, deleted=True), MARK_SECONDS, only_new=False)
    return _Write(key, PostBody(author=post.author, content=post.content), POST_SECONDS, only_new=True)


def user_key(user: int) -> str:
    """Return the key of a user in the cache."""
    return f"{USERS}{user}"


def _user(user: int, value: UserValue) -> User | None:
    return User(user, value.username, value.created_at) if isinstance(value, UserBody) else None


def _user_write(user: User) -> _Write:
    body = UserBody(username=user.username, created_at=user.created_at)
    return _Write(user_key(user.id), body, USER_SECONDS, only_new=True)
