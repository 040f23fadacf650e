"""A page of a timeline at a glance: one call, where reading it in full takes one each for owner, list, posts and names.

Most polls find nothing new, and need to know no more than that. The list's entries do not tell it alone: a deleted
post stays in all lists, and is known by its mark in the cache. So the function that reads the list looks at the caches
as well, and brings of each post only the beginning of its value. What is not cached is not known, and not guessed.

On a Redis Cluster lists and caches lie in different slots, which one function cannot read. There nothing is known at a
glance, and a page is read in full: looking at the parts one after the other would take as many calls.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from microblog_streams.ids import entry_post_id
from microblog_streams.stores.caches import HEAD, POSTS, USERS, known_users, post_head, user_key
from microblog_streams.stores.interfaces import Glimpse, Warmth
from microblog_streams.stores.redis import Redis
from microblog_streams.stores.timelines import UNREAD, functions, key, warmth

#: Entries read beyond those asked for, to fill up where deleted posts drop out. Where more do, the page is not known.
SPARE: Final = 5


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen: entries with the beginnings of their posts, and names; ``ended``: no more came than there is."""

    warmth: Warmth
    posts: Sequence[tuple[bytes, bytes]]
    names: Mapping[int, str | None]
    ended: bool


class Glances:
    """The GlanceStore on the Redis that holds timelines and caches. All methods raise StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        """Share a connection."""
        self._functions = functions(redis)
        self._possible = not redis.clustered

    async def older(self, user: int, before: UUID | None, count: int) -> Sequence[Glimpse] | None:
        """Return the ``count`` newest that are shown below ``before`` (or at all), and note that it was read."""
        seen = await self._look("glance_older", user, before.bytes if before else b"", count)
        if seen is None:
            return None
        return _shown(seen.posts, seen.names, count, whole=seen.ended and seen.warmth is Warmth.COMPLETE)

    async def newer(self, user: int, after: UUID, count: int) -> Sequence[Glimpse] | None:
        """Return the ``count`` next above ``after`` that are shown, newest first."""
        seen = await self._look("glance_newer", user, after.bytes, count)
        upwards = _shown(reversed(seen.posts), seen.names, count, whole=seen.ended) if seen else None
        return None if upwards is None else upwards[::-1]

    async def _look(self, function: str, user: int, position: bytes, count: int) -> _Seen | None:
        """Return what the server has of a page, None where the list or its owner is not known."""
        if not self._possible:
            return None
        asked = count + SPARE
        keys = [key(user), user_key(user).encode()]
        args: list[bytes | int] = [position, asked, UNREAD, POSTS.encode(), USERS.encode(), HEAD]
        answer = await self._functions.read(function, keys, args)
        if answer is None:
            return None
        tail, entries, heads, owner, authors, users = answer
        names = known_users({**dict(zip(map(int, authors), users, strict=True)), user: owner})
        posts = list(zip(entries, heads, strict=True))
        return _Seen(warmth(tail), posts, names, len(entries) < asked) if names.get(user) else None


def _shown(
    posts: Iterable[tuple[bytes, bytes]], names: Mapping[int, str | None], count: int, *, whole: bool
) -> list[Glimpse] | None:
    """Return the first ``count`` posts that are shown, all of them where the list is ``whole``; None: not known."""
    shown: list[Glimpse] = []
    for entry, raw in posts:
        if (head := post_head(raw)) is None:
            return None
        author, deleted = head
        if deleted:
            continue
        if author not in names:
            return None
        if name := names[author]:
            shown.append(Glimpse(entry_post_id(entry), author, name))
        if len(shown) == count:
            return shown
    return shown if whole else None
