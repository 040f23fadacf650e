"""Caches of posts and users in Redis, with expiry, and with deletion marks that stay for an hour.

Values are JSON; a deletion mark has a flag instead of the content. ``fill`` never replaces a value (SET NX): a reader
that read the store before a deletion and fills the cache after it meets the mark. It may be up to an hour late.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from uuid import UUID

from pydantic_core import from_json, to_json

from microblog_streams.domain.models import Post, User
from microblog_streams.stores.redis.connection import Redis

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

log = logging.getLogger(__name__)

#: Life of a deletion mark.
MARK_SECONDS: Final = 3_600
#: Key prefixes; the id follows.
POSTS: Final = "post:"
USERS: Final = "user:"
#: Life of a post: posts never change, and most reads are of posts of the last day.
POST_SECONDS: Final = 86_400
#: Life of a user: the same few appear on every page, so an hour already saves nearly all reads.
USER_SECONDS: Final = 3_600
#: Decoded posts, and decoded users, that a worker keeps: most pages show the same ones.
MAX_DECODED_VALUES: Final = 8_192
#: Largest value that is kept decoded; longer ones would take more than 25 MB in all.
MAX_DECODED_BYTES: Final = 1_024

#: Stored posts that a worker remembers: those of some seconds.
MAX_STORED_POSTS: Final = 4_096

#: The end of the value of a stored post. No content can end so, since its quotes are escaped. Not "stored": earlier
#: releases wrote that also for posts that they had only read.
_STORED: Final = b',"written":true}'

Found = tuple[Mapping[UUID, Post], Mapping[int, User | None]]


class PageCache:
    """Reads both caches in one round trip."""

    def __init__(self, redis: Redis, era: Callable[[], int] = lambda: 0) -> None:
        """``era`` returns PostgreSQL's era: users of an earlier era may be lost, and their ids reused."""
        self._redis = redis
        self._era = era

    async def get_many(self, ids: Sequence[UUID], users: Collection[int]) -> Found:
        """Return the cached posts and users."""
        era = self._era()
        keys = [*map(post_key, ids), *(user_key(user, era) for user in users)]
        found = await self._redis.get_many(keys) if keys else []
        posts = _known(ids, found, _post)
        return posts, _known(users, found[len(ids) :], _user)


class PostCache:
    """Posts, under ``post:<uuid>``."""

    def __init__(self, redis: Redis) -> None:
        """Share ``redis``, which need not be connected yet."""
        self._redis = redis
        self._pages = PageCache(redis)
        #: The posts that this process cached as stored, in order; the agent that fans a post out often runs here.
        self._stored: dict[UUID, None] = {}

    async def get_many(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        """Return the cached posts."""
        return (await self._pages.get_many(ids, ()))[0]

    async def fill(self, posts: Collection[Post], stored: bool = False) -> None:
        """Add posts that are not cached, in one round trip. A deleted post sets its mark, over any value."""
        for post in posts:
            self._remember(post, stored)
        await _write(self._redis, [_post_write(post, stored) for post in posts])

    async def stored(self, post_id: UUID) -> bool:
        """Return whether a worker cached the post as stored."""
        if post_id in self._stored:
            return True
        raw = await self._redis.read("GET", post_key(post_id))
        # Checked again: during the await, this process may have stored the post.
        return post_id in self._stored or (raw is not None and raw.endswith(_STORED))

    async def delete(self, post_id: UUID, author: int) -> None:
        """Set the deletion mark."""
        await self.fill([Post(post_id, author, "", deleted=True)])

    def _remember(self, post: Post, stored: bool) -> None:
        if post.deleted:
            self._stored.pop(post.id, None)
        elif stored:
            self._stored[post.id] = None
            if len(self._stored) > MAX_STORED_POSTS:
                del self._stored[next(iter(self._stored))]


class UserCache:
    """Users, under ``user:<id>``, from era 1 on ``user:<era>:<id>``."""

    def __init__(self, redis: Redis, era: Callable[[], int] = lambda: 0) -> None:
        """``era`` returns PostgreSQL's era: users of an earlier era may be lost, and their ids reused."""
        self._redis = redis
        self._pages = PageCache(redis, era)
        self._era = era

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User | None]:
        """Return the cached users; None for deleted ones."""
        return (await self._pages.get_many((), ids))[1]

    async def fill(self, users: Collection[User]) -> None:
        """Add users that are not cached, in one round trip."""
        await _write(self._redis, [_user_write(user, self._era()) for user in users])

    async def delete(self, user: int) -> None:
        """Set the deletion mark."""
        await _write(
            self._redis, [_Write(user_key(user, self._era()), {"deleted": True}, MARK_SECONDS, only_new=False)]
        )


@lru_cache(MAX_DECODED_VALUES)
def post_key(post_id: UUID) -> str:
    """Return the key of a post in the cache."""
    return f"{POSTS}{post_id}"


def user_key(user: int, era: int) -> str:
    """Return the key of a user in the cache."""
    return f"{USERS}{era}:{user}" if era else f"{USERS}{user}"


class _Write(NamedTuple):
    key: str
    value: dict[str, Any]
    seconds: int
    only_new: bool


async def _write(redis: Redis, writes: Iterable[_Write]) -> None:
    await asyncio.gather(*(redis.change("SET", *_command(write)) for write in writes))


def _command(write: _Write) -> tuple[bytes | str | int, ...]:
    return write.key, to_json(write.value), "EX", write.seconds, *(("NX",) if write.only_new else ())


Key = TypeVar("Key")
Value = TypeVar("Value")


def _known(keys: Iterable[Key], values: Iterable[bytes | None], read: "_lru_cache_wrapper[Value]") -> dict[Key, Value]:
    """Decode the values that exist, by key. A value that cannot be decoded counts as missing."""
    known = {}
    for key, raw in zip(keys, values, strict=False):
        if raw is not None:
            try:
                known[key] = (read if len(raw) <= MAX_DECODED_BYTES else read.__wrapped__)(key, raw)
            except ValueError:
                log.warning("cache_value_broken of=%s", key)
    return known


@lru_cache(MAX_DECODED_VALUES)
def _post(post_id: UUID, raw: bytes) -> Post:
    match from_json(raw):
        case {"author": int(author), "content": str(content)}:
            return Post(post_id, author, content)
        case {"author": int(author), "deleted": True}:
            return Post(post_id, author, "", deleted=True)
    raise ValueError("no post")


@lru_cache(MAX_DECODED_VALUES)
def _user(user: int, raw: bytes) -> User | None:
    match from_json(raw):
        case {"username": str(username), "created_at": str(created_at)}:
            return User(user, username, datetime.fromisoformat(created_at))
        case {"deleted": True}:
            return None
    raise ValueError("no user")


def _post_write(post: Post, stored: bool) -> _Write:
    key = post_key(post.id)
    if post.deleted:
        return _Write(key, {"author": post.author, "deleted": True}, MARK_SECONDS, only_new=False)
    value = {"author": post.author, "content": post.content} | ({"written": True} if stored else {})
    return _Write(key, value, POST_SECONDS, only_new=True)


def _user_write(user: User, era: int) -> _Write:
    body = {"username": user.username, "created_at": user.created_at}
    return _Write(user_key(user.id, era), body, USER_SECONDS, only_new=True)
