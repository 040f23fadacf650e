"""Profiles: what users say of themselves, with the numbers on their page.

PostgreSQL is read for each page, so a change shows at once on all workers. Only the display name is cached, as it is in
lists of users, too. A change replaces it in the cache, and so does its event, in case the first attempt failed.

Posts are counted in the author index in Cassandra, up to ``MAX_COUNTED_POSTS``, and the number is kept for
``KEPT_SECONDS``. A counter beside the posts would not stay right, since events are applied again after a failure.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple

from microblog_streams.aio.failures import best_effort
from microblog_streams.aio.ttl_cache import TtlCache
from microblog_streams.domain.errors import NotFound
from microblog_streams.domain.events import UserChanged
from microblog_streams.domain.models import FollowCounts, Profile, ProfileChange, User
from microblog_streams.operations import validation
from microblog_streams.operations.users import Users
from microblog_streams.ports import PostStore, ProfileStore, UserCache
from microblog_streams.ports.events import Lease

#: Posts of a user that are counted: one read of the index.
MAX_COUNTED_POSTS: Final = 1_000
#: How long a number of posts is used again, and of how many users it is kept.
KEPT_SECONDS, MAX_KEPT_USERS = 30.0, 4_096
#: Attempts to bring the cached user in line with PostgreSQL, where the profile changes each time in between.
_ATTEMPTS: Final = 3


class ProfilePage(NamedTuple):
    """A user's page. What comes from a store that is away is None."""

    user: User
    profile: Profile | None
    counts: FollowCounts | None
    #: Up to ``MAX_COUNTED_POSTS``; that number means so many or more.
    posts: int | None


def _post_counts() -> TtlCache[int, int]:
    return TtlCache(MAX_KEPT_USERS, KEPT_SECONDS)


@dataclass(frozen=True)
class Profiles:
    """Use cases of profiles."""

    store: ProfileStore
    users: Users
    cache: UserCache
    posts: PostStore
    post_counts: TtlCache[int, int] = field(default_factory=_post_counts)

    async def get(self, user: int) -> ProfilePage:
        """Return a user's page. Raises NotFound; StoreUnavailable where not even the name can be read."""
        found = await self.users.get(user)
        profile = await best_effort("read_profile", lambda: self._stored(user), None)
        return await self._page(profile.user if profile else found, profile)

    async def change(self, user: int, change: ProfileChange) -> ProfilePage:
        """Change one's profile; return the page. Raises Invalid, NotFound."""
        profile = await self.store.change(user, _checked(change), datetime.now(UTC))
        await best_effort("cache_user", lambda: self._refresh(user), None)
        return await self._page(profile.user, profile)

    async def apply(self, event: UserChanged, lease: Lease) -> None:
        """Bring the cached user in line with PostgreSQL. Raises StoreUnavailable."""
        await self._refresh(event.user_id)

    async def _stored(self, user: int) -> Profile:
        if (profile := await self.store.get(user)) is None:
            raise NotFound("user", user)
        return profile

    async def _page(self, user: User, profile: Profile | None) -> ProfilePage:
        counts = await best_effort("count_followers", lambda: self.store.counts(user.id), None)
        posts = await best_effort("count_posts", lambda: self._count_posts(user.id), None)
        return ProfilePage(user, profile, counts, posts)

    async def _count_posts(self, user: int) -> int:
        if (kept := self.post_counts.get(user)) is not None:
            return kept
        lookup = self.post_counts.begin_lookup()
        number = len(await self.posts.newest(user, None, MAX_COUNTED_POSTS))
        self.post_counts.put(user, number, lookup)
        return number

    async def _refresh(self, user: int) -> None:
        """Cache the user as PostgreSQL has them, again where they changed in between; also the mark of a deletion."""
        stored = await self.store.get(user)
        for _ in range(_ATTEMPTS):
            if stored is None:
                return await self.cache.delete(user)
            await self.cache.replace(stored.user)
            written, stored = stored, await self.store.get(user)
            if stored is not None and stored.user == written.user:
                return None
        return None


def _checked(change: ProfileChange) -> ProfileChange:
    """Return the change as it is stored. Raises Invalid."""
    return ProfileChange(
        display_name=None if change.display_name is None else validation.display_name(change.display_name),
        note=None if change.note is None else validation.note(change.note),
        links=None if change.links is None else validation.links(change.links),
    )
