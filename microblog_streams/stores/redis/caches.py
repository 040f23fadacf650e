"""Bodies and names close at hand: two caches in Redis that forget, and that remember deletions for an hour.

Values are JSON, with a flag in place of the text in the mark of a deletion. Filling never replaces anything (SET NX):
who read the store before a deletion and fills after it finds the mark there. The hour is how late that may be.
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

#: Seconds that a deletion's mark stays.
MARK_SECONDS: Final = 3_600
#: What the keys of posts and of users begin with; the id follows.
POSTS: Final = "post:"
USERS: Final = "user:"
#: Seconds that a body stays: posts never change, and most of what is read was written since yesterday.
POST_SECONDS: Final = 86_400
#: Seconds that a user stays: the same few come with every page, so an hour already saves nearly all reads.
USER_SECONDS: Final = 3_600
#: Values that a worker keeps decoded, of posts and of users: the same ones come with most pages, and unchanged.
MAX_DECODED_VALUES: Final = 8_192
#: Bytes of a value that is kept so; longer ones would make it more than 25 MB.
MAX_DECODED_BYTES: Final = 1_024

#: Posts of which a worker remembers that they are stored: those of some seconds.
MAX_STORED_POSTS: Final = 4_096

#: How the value of a post ends that was put into the post store: a text cannot end so, for its quotes are escaped.
#: Not "stored", which versions before this one also wrote for what they had only read.
_STORED: Final = b',"written":true}'

Found = tuple[Mapping[UUID, Post], Mapping[int, User | None]]


class PageCache:
    """Both caches at once (``interfaces.Shelf``)."""

    def __init__(self, redis: Redis, era: Callable[[], int] = lambda: 0) -> None:
        """Share a connection. ``era`` is that of PostgreSQL: users of an earlier one may be lost."""
        self._redis = redis
        self._era = era

    async def get_many(self, ids: Sequence[UUID], users: Collection[int]) -> Found:
        """Return what is cached of posts and of users, in one round trip."""
        era = self._era()
        keys = [*map(post_key, ids), *(user_key(user, era) for user in users)]
        found = await self._redis.get_many(keys) if keys else []
        posts = _known(ids, found, _post)
        return posts, _known(users, found[len(ids) :], _user)


class PostCache:
    """Post bodies by id, under ``post:<uuid>`` (``interfaces.PostCache``)."""

    def __init__(self, redis: Redis) -> None:
        """Share a connection."""
        self._redis = redis
        self._shelf = PageCache(redis)
        #: Posts that this process has cached as stored: most of them are asked for here, by whoever fans them out.
        self._stored: dict[UUID, None] = {}

    async def get_many(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        """Return what is cached, in one round trip."""
        return (await self._shelf.get_many(ids, ()))[0]

    async def fill(self, posts: Collection[Post], stored: bool = False) -> None:
        """Add posts that are not cached, in one round trip. A deleted one puts its mark, whatever is there.

        ``stored`` is for who has put them alone: a reader knows of the body and not of the author's index.
        """
        for post in posts:
            self._remember(post, stored)
        await _write(self._redis, [_post_write(post, stored) for post in posts])

    async def stored(self, post_id: UUID) -> bool:
        """Tell whether the post was put, by whoever cached it."""
        if post_id in self._stored:
            return True
        raw = await self._redis.read("GET", post_key(post_id))
        # Looked at again: whoever took the post has stored it by now, most times.
        return post_id in self._stored or (raw is not None and raw.endswith(_STORED))

    async def delete(self, post_id: UUID, author: int) -> None:
        """Put the deletion mark."""
        await self.fill([Post(post_id, author, "", deleted=True)])

    def _remember(self, post: Post, stored: bool) -> None:
        if post.deleted:
            self._stored.pop(post.id, None)
        elif stored:
            self._stored[post.id] = None
            if len(self._stored) > MAX_STORED_POSTS:
                del self._stored[next(iter(self._stored))]


class UserCache:
    """Users by id, under ``user:<id>``, in a later era ``user:<era>:<id>`` (``interfaces.UserCache``)."""

    def __init__(self, redis: Redis, era: Callable[[], int] = lambda: 0) -> None:
        """Share a connection. ``era`` is that of PostgreSQL: users of an earlier one may be lost."""
        self._redis = redis
        self._shelf = PageCache(redis, era)
        self._era = era

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User | None]:
        """Return what is cached, in one round trip; None for deleted users."""
        return (await self._shelf.get_many((), ids))[1]

    async def fill(self, users: Collection[User]) -> None:
        """Add users that are not cached, in one round trip."""
        await _write(self._redis, [_user_write(user, self._era()) for user in users])

    async def delete(self, user: int) -> None:
        """Put the deletion mark."""
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
    """Return what can be read of the values that are there, by key. What cannot is as if it were not there."""
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
