"""Profiles in PostgreSQL: what users say of themselves, and how many follow them and are followed by them.

The counts are exact. ``follow_counts`` has the numbers of the last sweep, and triggers write each change of an edge
since then to ``follow_count_changes`` (``schema/015_profiles.sql``); one statement adds up the two. A sweep moves the
changes into the counts. It also tells the followers of a deleted user, who are as many as there are edges, and too many
for the transaction of the deletion: until then their counts include that user.

The search index ranks users by their followers. Where there is one, a sweep publishes ``user.changed`` for each user
whose number went over a step: each number up to 8, and from there on a fifth more or less. So a user costs as many
events as there are steps, and the index is behind by a sweep and less than a fifth.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from math import floor, log
from typing import Final

from microblog_streams.domain import topics
from microblog_streams.domain.errors import NotFound
from microblog_streams.domain.events import UserChanged
from microblog_streams.domain.models import FollowCounts, Profile, ProfileChange, User
from microblog_streams.stores.postgres.connection import Lock, Postgres
from microblog_streams.stores.postgres.outbox import append
from microblog_streams.stores.postgres.session import Row, Session

_GET: Final = """
SELECT id, username, created_at, display_name, note, links FROM users
 WHERE id = %s AND deleted_at IS NULL AND suspended_at IS NULL
"""
_CHANGE: Final = """
UPDATE users
   SET display_name = coalesce(%s, display_name), note = coalesce(%s, note), links = coalesce(%s::text[], links)
 WHERE id = %s AND deleted_at IS NULL AND suspended_at IS NULL
RETURNING id, username, created_at, display_name, note, links
"""
_COUNTS: Final = """
SELECT coalesce(sum(followers), 0)::bigint, coalesce(sum(followees), 0)::bigint
  FROM (SELECT followers, followees FROM follow_counts WHERE user_id = %s
        UNION ALL
        SELECT followers, followees FROM follow_count_changes WHERE user_id = %s) AS parts
"""
_FOLLOWERS: Final = """
SELECT user_id, sum(followers)::bigint
  FROM (SELECT user_id, followers FROM follow_counts WHERE user_id = ANY(%s)
        UNION ALL
        SELECT user_id, followers FROM follow_count_changes WHERE user_id = ANY(%s)) AS parts
 GROUP BY user_id
"""
_PROFILES: Final = """
SELECT id, username, created_at, display_name, note, links FROM users
 WHERE id = ANY(%s) AND deleted_at IS NULL AND suspended_at IS NULL
"""
# One process at a time, so that no two lock the same counts in different orders.
_TURN: Final = "SELECT pg_try_advisory_xact_lock(%s)"
_FOLD: Final = """
WITH taken AS (
    DELETE FROM follow_count_changes
     WHERE id IN (SELECT id FROM follow_count_changes ORDER BY id LIMIT %s)
    RETURNING user_id, followers, followees
), added AS (
    SELECT user_id, sum(followers) AS followers, sum(followees) AS followees, count(*) AS changes
      FROM taken GROUP BY user_id
), totals AS (
    INSERT INTO follow_counts AS counts (user_id, followers, followees)
    SELECT user_id, followers, followees FROM added
    ON CONFLICT (user_id) DO UPDATE
       SET followers = counts.followers + excluded.followers, followees = counts.followees + excluded.followees
    RETURNING user_id, followers
)
SELECT user_id, totals.followers::bigint, added.followers::bigint, added.changes FROM totals JOIN added USING (user_id)
"""
_DELETED: Final = "SELECT user_id, after_follower FROM counted_deleted_users ORDER BY user_id LIMIT 1"
_TELL_FOLLOWERS: Final = """
WITH told AS (
    SELECT follower_id FROM follows WHERE followee_id = %s AND follower_id > %s AND following
     ORDER BY follower_id LIMIT %s
), changes AS (
    INSERT INTO follow_count_changes (user_id, followers, followees) SELECT follower_id, 0, -1 FROM told
)
SELECT count(*), max(follower_id) FROM told
"""
_TOLD_UP_TO: Final = "UPDATE counted_deleted_users SET after_follower = %s WHERE user_id = %s"
_ALL_TOLD: Final = "DELETE FROM counted_deleted_users WHERE user_id = %s"
#: A change of the followers' number by this factor is told to the search index.
_STEP: Final = 1.2
#: The event of a step is this much older than its time: a profile that is being changed at this moment has an earlier
#: time and commits later, and must not be refused by the index.
_COMMIT_DELAY: Final = timedelta(seconds=10)


class Profiles:
    """The ``ProfileStore``."""

    def __init__(self, postgres: Postgres, announced: bool = False) -> None:
        """``announced``: whether a sweep publishes steps of the followers' numbers, for the search indexer alone."""
        self._postgres = postgres
        self._announced = announced

    async def get(self, user: int) -> Profile | None:
        """Return an undeleted user's profile."""
        row = await self._postgres.fetch_one(_GET, user)
        return None if row is None else _profile(row)

    async def counts(self, user: int) -> FollowCounts:
        """Return the exact numbers; zeros for an unknown user."""
        ((followers, followees),) = await self._postgres.fetch(_COUNTS, user, user)
        return FollowCounts(int(followers), int(followees))

    async def followers(self, users: Collection[int]) -> Mapping[int, int]:
        """Return the exact numbers of followers; users without any may be left out."""
        ids = list(users)
        return {user: int(number) for user, number in await self._postgres.fetch(_FOLLOWERS, ids, ids)}

    async def change(self, user: int, change: ProfileChange, at: datetime) -> Profile:
        """Change a profile in one transaction with the event. Raises NotFound."""
        links = None if change.links is None else list(change.links)
        async with self._postgres.transaction() as session:
            row = await session.fetch_one(_CHANGE, change.display_name, change.note, links, user)
            if row is None:
                raise NotFound("user", user)
            profile = _profile(row)
            ((followers, _),) = await session.fetch(_COUNTS, user, user)
            await append(session, [(topics.USER_CHANGED, UserChanged.of(profile, at, max(0, int(followers))))])
            return profile

    async def sweep(self, limit: int) -> int:
        """Move up to ``limit`` changes into the counts, and tell as many followers of a deleted user.

        Returns the larger of the two numbers; 0 while another process sweeps.
        """
        async with self._postgres.transaction() as session:
            if await session.fetch_one(_TURN, int(Lock.COUNTING)) != (True,):
                return 0
            told = await _tell_followers(session, limit)
            folded = await session.fetch(_FOLD, limit)
            if self._announced:
                over = {user: now for user, now, added, _ in folded if _step(now) != _step(now - added)}
                await _publish(session, over)
            return max(told, sum(int(changes) for *_, changes in folded))


async def _tell_followers(session: Session, limit: int) -> int:
    deleted = await session.fetch_one(_DELETED)
    if deleted is None:
        return 0
    user, after = deleted
    ((told, last),) = await session.fetch(_TELL_FOLLOWERS, user, after, limit)
    if told < limit:
        await session.execute(_ALL_TOLD, user)
        return limit  # there may be another deleted user
    await session.execute(_TOLD_UP_TO, last, user)
    return int(told)


def _step(followers: int) -> int:
    """Return the number of the step on which a number of followers lies."""
    return floor(log(max(0, int(followers)) + 1) / log(_STEP))


async def _publish(session: Session, followers: Mapping[int, int]) -> None:
    """Add ``user.changed`` for each of these users, whose numbers are given, to the sweep's transaction."""
    if not followers:
        return
    at = datetime.now(UTC) - _COMMIT_DELAY
    profiles = [_profile(row) for row in await session.fetch(_PROFILES, list(followers))]
    events = [UserChanged.of(each, at, max(0, followers[each.user.id])) for each in profiles]
    await append(session, [(topics.USER_CHANGED, event) for event in events])


def _profile(row: Row) -> Profile:
    *user, note, links = row
    return Profile(User(*user), note, tuple(links))
