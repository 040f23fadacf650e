"""Profiles in memory."""

from collections.abc import Collection
from datetime import datetime

from microblog_streams.domain.events import UserChanged
from microblog_streams.domain.models import FollowCounts, Profile, ProfileChange
from microblog_streams.domain.topics import USER_CHANGED
from tests.support.fakes.database import FakeDatabase


class FakeProfiles:
    """The ``ProfileStore`` of a fake database."""

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database

    async def get(self, user: int) -> Profile | None:
        self.database.check()
        found = self.database.shown(user)
        note, links = self.database.pages.get(user, ("", ()))
        return None if found is None else Profile(found, note, links)

    async def counts(self, user: int) -> FollowCounts:
        self.database.check()
        edges = [edge for edge in self.database.edges.values() if edge.following]
        followers = sum(edge.followee == user for edge in edges)
        followees = sum(edge.follower == user and edge.followee in self.database.users for edge in edges)
        return FollowCounts(followers, followees)

    async def followers(self, users: Collection[int]) -> dict[int, int]:
        return {user: (await self.counts(user)).followers for user in users}

    async def change(self, user: int, change: ProfileChange, at: datetime) -> Profile:
        self.database.check()
        self.database.require(user)
        known, (note, links) = self.database.users[user], self.database.pages.get(user, ("", ()))
        if change.display_name is not None:
            self.database.users[user] = known._replace(display_name=change.display_name)
        self.database.pages[user] = (
            note if change.note is None else change.note,
            links if change.links is None else change.links,
        )
        self.database.add_event(
            USER_CHANGED, UserChanged.of(changed := await self._there(user), at, (await self.counts(user)).followers)
        )
        return changed

    async def sweep(self, limit: int) -> int:
        self.database.check()
        return 0

    async def _there(self, user: int) -> Profile:
        profile = await self.get(user)
        assert profile is not None
        return profile
