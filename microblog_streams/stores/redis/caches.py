"""Caches of posts and users in Redis, with expiry, and with deletion marks that stay for an hour.

Values are JSON; a deletion mark has a flag instead of the content. ``fill`` never replaces a value (SET NX): a reader
that read the store before a deletion and fills the cache after it meets the mark. It may be up to an hour late.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from pydantic_core import from_json, to_json

from microblog_streams.domain.ids import POST_BYTES, entry_author
from microblog_streams.domain.models import Post, PostView, User
from microblog_streams.ports import CachedPage
from microblog_streams.stores.redis.connection import Redis

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
#: Views of posts that a worker keeps: most pages show the same ones.
MAX_KEPT_VIEWS: Final = 8_192
#: Largest value of a post whose view is kept: with their JSON, longer ones could take more than 50 MB in all.
MAX_KEPT_BYTES: Final = 1_024
#: Decoded users that a worker keeps.
MAX_DECODED_USERS: Final = 8_192

#: Stored posts that a worker remembers: those of some seconds.
MAX_STORED_POSTS: Final = 4_096

#: The end of the value of a stored post. No content can end so, since its quotes are escaped. Not "stored": earlier
#: releases wrote that also for posts that they had only read.
_STORED: Final = b',"written":true}'


class PageCache:
    """Reads both caches in one round trip.

    The same posts are on many timelines, so a worker keeps the views of the last ones with the two values that each was
    made of. A page compares these with what Redis returns: a view is used exactly as long as both values are the same,
    so a deletion or another worker's write needs no message. Nothing is decoded or made for a post that is kept.
    """

    def __init__(self, redis: Redis, era: Callable[[], int] = lambda: 0) -> None:
        """``era`` returns PostgreSQL's era: users of an earlier era may be lost, and their ids reused."""
        self._redis = redis
        self._era = era

    async def page(self, entries: Sequence[bytes], owner: int | None) -> CachedPage:
        """Return what is cached of the entries' posts, their authors and the page's owner, if it has one."""
        era = self._era()
        kept = [_kept_view(entry) for entry in entries]
        owners = [] if owner is None else [owner]
        people = {*owners, *[each.author for each in kept]}
        keys = [*[each.key for each in kept], *[user_key(user, era) for user in people]]
        values = await self._redis.get_many(keys)
        names = dict(zip(people, values[len(kept) :], strict=True))
        views = [
            each.view if each.body == body and each.name == names[each.author] else each.read(body, names[each.author])
            for each, body in zip(kept, values, strict=False)
        ]
        if all(views):
            shown = [view for view in views if isinstance(view, PostView)]
            return CachedPage(shown, _known(owners, [names[each] for each in owners], _user), {})
        posts = _known([each.post_id for each in kept], values, _post)
        return CachedPage(None, _known(names, names.values(), _user), posts)


class _Hidden(Enum):
    """Stands for a post that is not shown, since it or its author is deleted."""

    HIDDEN = "hidden"


#: The view of two cached values; None where one is missing or cannot be decoded.
_View = PostView | _Hidden | None


class _KeptView:
    """The view of an entry's post, and the cached values it was made of: the post's and its author's."""

    __slots__ = ("author", "body", "key", "name", "post_id", "view")

    def __init__(self, entry: bytes) -> None:
        """Start with the view of two missing values, which is None."""
        self.post_id = UUID(bytes=entry[:POST_BYTES])
        self.key = post_key(self.post_id)
        self.author = entry_author(entry)
        self.body: bytes | None = None
        self.name: bytes | None = None
        self.view: _View = None

    def read(self, body: bytes | None, name: bytes | None) -> _View:
        """Return the view of these values, and keep it unless it is large."""
        view = self._view(body, name)
        if view is not None and body is not None and len(body) <= MAX_KEPT_BYTES:
            self.body, self.name, self.view = body, name, view
        return view

    def _view(self, body: bytes | None, name: bytes | None) -> _View:
        if body is None or name is None:
            return None
        try:
            post, author = _post(self.post_id, body), _user(self.author, name)
        except ValueError:
            return None  # ``_known`` logs it
        if post.deleted or author is None:
            return _Hidden.HIDDEN
        return PostView(post.id, post.author, author.username, post.content) if post.author == self.author else None


@lru_cache(MAX_KEPT_VIEWS)
def _kept_view(entry: bytes) -> _KeptView:
    return _KeptView(entry)


class PostCache:
    """Posts, under ``post:<uuid>``."""

    def __init__(self, redis: Redis) -> None:
        """Share ``redis``, which need not be connected yet."""
        self._redis = redis
        #: The posts that this process cached as stored, in order; the agent that fans a post out often runs here.
        self._stored: dict[UUID, None] = {}

    async def get_many(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        """Return the cached posts."""
        return _known(ids, await self._redis.get_many([post_key(post_id) for post_id in ids]), _post)

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
        self._era = era

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User | None]:
        """Return the cached users; None for deleted ones."""
        era = self._era()
        return _known(ids, await self._redis.get_many([user_key(user, era) for user in ids]), _user)

    async def fill(self, users: Collection[User]) -> None:
        """Add users that are not cached, in one round trip."""
        await _write(self._redis, [_user_write(user, self._era()) for user in users])

    async def replace(self, user: User) -> None:
        """Set a user's value, over any other."""
        await _write(self._redis, [_user_write(user, self._era())._replace(only_new=False)])

    async def delete(self, user: int) -> None:
        """Set the deletion mark."""
        await _write(
            self._redis, [_Write(user_key(user, self._era()), {"deleted": True}, MARK_SECONDS, only_new=False)]
        )


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


async def _write(redis: Redis, writes: Sequence[_Write]) -> None:
    if len(writes) == 1:  # a post that was just accepted: no task for it
        await redis.change("SET", *_command(writes[0]))
    else:
        await asyncio.gather(*(redis.change("SET", *_command(write)) for write in writes))


def _command(write: _Write) -> tuple[bytes | str | int, ...]:
    return write.key, to_json(write.value), "EX", write.seconds, *(("NX",) if write.only_new else ())


Key = TypeVar("Key")
Value = TypeVar("Value")


def _known(
    keys: Iterable[Key], values: Iterable[bytes | None], decode: Callable[[Key, bytes], Value]
) -> dict[Key, Value]:
    """Decode the values that exist, by key. A value that cannot be decoded counts as missing."""
    known = {}
    for key, raw in zip(keys, values, strict=False):
        if raw is not None:
            try:
                known[key] = decode(key, raw)
            except ValueError:
                log.warning("cache_value_broken of=%s", key)
    return known


def _post(post_id: UUID, raw: bytes) -> Post:
    match from_json(raw):
        case {"author": int(author), "content": str(content)}:
            return Post(post_id, author, content)
        case {"author": int(author), "deleted": True}:
            return Post(post_id, author, "", deleted=True)
    raise ValueError("no post")


@lru_cache(MAX_DECODED_USERS)
def _user(user: int, raw: bytes) -> User | None:
    match from_json(raw):
        case {"username": str(username), "created_at": str(created_at), "display_name": str(display_name)}:
            return User(user, username, datetime.fromisoformat(created_at), display_name)
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
    if user.display_name:
        body["display_name"] = user.display_name
    return _Write(user_key(user.id, era), body, USER_SECONDS, only_new=True)
