"""Follows and blocks in PostgreSQL, and the locks that keep a block and an edge between the same two users apart.

An edge's row stays after an unfollow; its version grows under its row lock. So the versions of an edge follow the order
of its commits, and its events carry them: consumers need no other order.

A block and a concurrent follow of the same two users must not miss each other: the block would find no edge to end, and
the follow no block. A block locks its blocker's row FOR NO KEY UPDATE, which excludes FOR SHARE. A follow (and
``graph_import``) locks both users FOR SHARE, hence also the blocker, whichever of the two follows. The later of the two
waits for the other's commit; then a separate statement, which sees the commit, looks for the block or for the edge. (A
follow is one call of a function, whose statements are separate ones in this sense: see ``schema/014_follow.sql``.) The
blocked user is locked only FOR SHARE: that excludes their deletion, and lets others follow them at the same time.

All transactions lock in the same order, so there are no deadlocks: the row of the Idempotency-Key, users by id, the
block, edges. A deletion locks one user, then blocks in the order of their keys, as another deletion does.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from microblog_streams.domain import topics
from microblog_streams.domain.errors import Blocked, NotFound, TooManyFollowees
from microblog_streams.domain.models import Edge, IdempotencyKey, User
from microblog_streams.logs.context import event_headers
from microblog_streams.stores.postgres.connection import Lock, Postgres
from microblog_streams.stores.postgres.idempotency import claim, finish
from microblog_streams.stores.postgres.outbox import append, edge_event, followed_event
from microblog_streams.stores.postgres.session import Session

#: The columns of an ``Edge``, in the order of its fields.
COLUMNS: Final = "follower_id, followee_id, following, version, changed_at"

_LOCK: Final = f"SELECT {COLUMNS} FROM follows WHERE follower_id = %s AND followee_id = %s FOR UPDATE"  # noqa: S608
_UNFOLLOW: Final = f"""
UPDATE follows SET following = false, changed_at = %s,
       version = greatest(version + 1, (SELECT (era << 40) + 1 FROM deployment))
 WHERE follower_id = %s AND followee_id = %s
RETURNING {COLUMNS}
"""  # noqa: S608


async def stored(session: Session, follower: int, followee: int, at: datetime) -> Edge:
    """Lock an edge's row and return it; version 0 if there is none."""
    row = await session.fetch_one(_LOCK, follower, followee)
    return Edge(*row) if row else Edge(follower, followee, False, 0, at)


async def unfollow(session: Session, follower: int, followee: int, at: datetime) -> tuple[Edge, bool]:
    """End an edge; return it and whether that was a change. The caller appends the event."""
    edge = await stored(session, follower, followee, at)
    if not edge.following:
        return edge, False
    (row,) = await session.fetch(_UNFOLLOW, at, follower, followee)
    return Edge(*row), True


_FOLLOW: Final = """
SELECT outcome, edge_following, edge_version, edge_changed_at
  FROM follow_user(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)
"""
# Without locks: if an edge changes concurrently, its later version wins, in any order of the events.
_LAST: Final = f"""
SELECT {COLUMNS} FROM follows
 WHERE (follower_id, followee_id) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))
 ORDER BY followee_id, follower_id
"""  # noqa: S608
# Claims with a version that PostgreSQL does not have, or with another state of the same version.
_AHEAD: Final = """
SELECT claim.follower, claim.followee
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::boolean[]) AS claim (follower, followee, version, following)
  LEFT JOIN follows AS edge ON edge.follower_id = claim.follower AND edge.followee_id = claim.followee
 WHERE coalesce(edge.version, 0) < claim.version
    OR (edge.version = claim.version AND edge.following <> claim.following)
"""
# Also for a missing edge, or one that changed since the claim was found: its version ends up above the claim.
_OUTDO: Final = f"""
INSERT INTO follows AS edge ({COLUMNS})
SELECT %s, %s, false, greatest(%s::bigint, era << 40) + 1, now() FROM deployment
ON CONFLICT (follower_id, followee_id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at
 WHERE edge.version < excluded.version
RETURNING {COLUMNS}
"""  # noqa: S608
_FOLLOWEES: Final = """
SELECT followee_id FROM follows JOIN users ON id = followee_id
 WHERE follower_id = %s AND following AND deleted_at IS NULL ORDER BY followee_id
"""
_FOLLOWEES_PAGE: Final = """
SELECT id, username, created_at, display_name FROM follows JOIN users ON id = followee_id
 WHERE follower_id = %s AND followee_id > %s AND following AND deleted_at IS NULL AND suspended_at IS NULL
 ORDER BY followee_id LIMIT %s
"""
_FOLLOWERS_PAGE: Final = """
SELECT id, username, created_at, display_name FROM follows JOIN users ON id = follower_id
 WHERE followee_id = %s AND follower_id > %s AND following AND deleted_at IS NULL AND suspended_at IS NULL
 ORDER BY follower_id LIMIT %s
"""
_EDGES_PAGE: Final = f"""
SELECT {COLUMNS} FROM follows WHERE (followee_id, follower_id) > (%s, %s) ORDER BY followee_id, follower_id LIMIT %s
"""  # noqa: S608
_FOLLOWS: Final = "SELECT FROM follows WHERE follower_id = %s AND followee_id = %s AND following"
_ESTIMATE: Final = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'follows'::regclass"


class Follows:
    """The ``FollowStore``."""

    def __init__(self, postgres: Postgres) -> None:
        """Use the pool of ``postgres``."""
        self._postgres = postgres

    async def set(
        self,
        follower: int,
        followee: int,
        following: bool,
        at: datetime,
        idempotency_key: IdempotencyKey | None = None,
        max_followees: int = 0,
    ) -> Edge:
        """Follow or unfollow, in one transaction with the event; an edge that is so already gets no event.

        Raises NotFound, Blocked, TooManyFollowees, KeyReused.
        """
        if following and idempotency_key is None:
            # The statement is a transaction of its own.
            async with self._postgres.connection() as session:
                return await _follow(session, follower, followee, at, max_followees)
        async with self._postgres.transaction() as session:
            if idempotency_key and await claim(session, follower, idempotency_key):
                return await stored(session, follower, followee, at)
            if following:
                edge = await _follow(session, follower, followee, at, max_followees)
            else:
                edge = await _unfollow(session, follower, followee, at)
            if idempotency_key:
                await finish(session, follower, idempotency_key)
            return edge

    async def republish(self, edges: Collection[tuple[int, int]]) -> int:
        """Publish the last event of each edge (follower, followee) again; return how many of the edges exist."""
        followers, followees = [follower for follower, _ in edges], [followee for _, followee in edges]
        async with self._postgres.transaction() as session:
            rows = await session.fetch(_LAST, followers, followees)
            await append(session, [edge_event(Edge(*row)) for row in rows])
        return len(rows)

    async def correct(self, claims: Sequence[Edge]) -> int:
        """Overrule claims with versions that PostgreSQL has lost; return their number.

        Each edge in a transaction of its own, since a deletion locks many edges, in any order.
        """
        versions = {(claim.follower, claim.followee): claim.version for claim in claims}
        edges, following = list(versions), [claim.following for claim in claims]
        ends = [follower for follower, _ in edges], [followee for _, followee in edges]
        rows = await self._postgres.fetch(_AHEAD, *ends, list(versions.values()), following)
        for follower, followee in rows:
            async with self._postgres.transaction() as session:
                outdone = await session.fetch(_OUTDO, follower, followee, versions[follower, followee])
                await append(session, [edge_event(Edge(*row)) for row in outdone])
        return len(rows)

    async def republish_page(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        """Publish the last events of a page of ``edges_page`` again, marked to change rows only; return the edges."""
        async with self._postgres.transaction() as session:
            edges = [Edge(*row) for row in await session.fetch(_EDGES_PAGE, *after, limit)]
            await append(session, [edge_event(edge, restate=True) for edge in edges])
        return edges

    async def follows(self, follower: int, followee: int) -> bool:
        """Return whether there is an edge that has not ended."""
        return await self._postgres.fetch_one(_FOLLOWS, follower, followee) is not None

    async def followees(self, follower: int) -> Sequence[int]:
        """Return all undeleted followees, by id."""
        return [followee for (followee,) in await self._postgres.fetch(_FOLLOWEES, follower)]

    async def followees_page(self, follower: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followees with id > ``after``, by id."""
        return [User(*row) for row in await self._postgres.fetch(_FOLLOWEES_PAGE, follower, after, limit)]

    async def followers_page(self, followee: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followers with id > ``after``, by id."""
        return [User(*row) for row in await self._postgres.fetch(_FOLLOWERS_PAGE, followee, after, limit)]

    async def estimate(self) -> int:
        """Return the approximate number of edges, ended ones too; 0 before the first ANALYZE of the table."""
        ((count,),) = await self._postgres.fetch(_ESTIMATE)
        return int(count)

    async def edges_page(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        """Return up to ``limit`` edges, ended ones too, with (followee, follower) > ``after``, in that order."""
        return [Edge(*row) for row in await self._postgres.fetch(_EDGES_PAGE, *after, limit)]


async def _follow(session: Session, follower: int, followee: int, at: datetime, max_followees: int) -> Edge:
    """Follow, with the event, in one statement (``schema/014_follow.sql``); a refused one changes nothing."""
    key, before, after = followed_event(follower, followee, at)
    event = (topics.USER_FOLLOW, key, before, after, json.dumps(event_headers()))
    row = await session.fetch_one(_FOLLOW, follower, followee, at, max_followees, int(Lock.FOLLOWING), *event)
    match row:
        case ("followed" | "unchanged", following, version, changed_at):
            return Edge(follower, followee, following, version, changed_at)
        case ("blocked", *_):
            raise Blocked(followee)
        case ("too many followees", *_):
            raise TooManyFollowees(max_followees)
        case ("no follower", *_):
            raise NotFound("user", follower)
    raise NotFound("user", followee)


async def _unfollow(session: Session, follower: int, followee: int, at: datetime) -> Edge:
    edge, changed = await unfollow(session, follower, followee, at)
    if changed:
        await append(session, [edge_event(edge)])
    return edge


_LOCK_BLOCKER: Final = "SELECT FROM users WHERE id = %s AND deleted_at IS NULL FOR NO KEY UPDATE"
_BLOCKS: Final = "SELECT FROM blocks WHERE blocker_id = %s AND blocked_id = %s"
_LOCK_BLOCKED: Final = "SELECT FROM users WHERE id = %s AND deleted_at IS NULL FOR SHARE"
_BLOCK: Final = "INSERT INTO blocks (blocker_id, blocked_id, blocked_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_UNBLOCK: Final = "DELETE FROM blocks WHERE blocker_id = %s AND blocked_id = %s"
# A deletion removes the user's blocks. Workers of the previous release did not, and may still run during an upgrade.
_BLOCKED_BETWEEN: Final = """
SELECT blocked_id FROM blocks WHERE blocker_id = %s AND blocked_id = ANY(%s::bigint[])
UNION SELECT blocker_id FROM blocks WHERE blocked_id = %s AND blocker_id = ANY(%s::bigint[])
"""
_BLOCKED_PAGE: Final = """
SELECT id, username, created_at, display_name FROM blocks JOIN users ON id = blocked_id
 WHERE blocker_id = %s AND blocked_id > %s AND deleted_at IS NULL ORDER BY blocked_id LIMIT %s
"""
_REMOVE_BLOCKS: Final = """
DELETE FROM blocks WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM blocks WHERE blocker_id = %s OR blocked_id = %s ORDER BY blocker_id, blocked_id FOR UPDATE))
"""


class Blocks:
    """The ``BlockStore``."""

    def __init__(self, postgres: Postgres) -> None:
        """Use the pool of ``postgres``."""
        self._postgres = postgres

    async def block(
        self, blocker: int, blocked: int, at: datetime, idempotency_key: IdempotencyKey | None = None
    ) -> None:
        """Block, and end the edges both ways with their events. Raises NotFound, KeyReused.

        A known key changes nothing, even if the block was removed since.
        """
        async with self._postgres.transaction() as session:
            if idempotency_key and await claim(session, blocker, idempotency_key):
                return
            await _lock_for_block(session, blocker, blocked)
            await session.execute(_BLOCK, blocker, blocked, at)
            await _end_edges(session, blocker, blocked, at)
            if idempotency_key:
                await finish(session, blocker, idempotency_key)

    async def unblock(self, blocker: int, blocked: int) -> None:
        """Remove a block. Follows stay impossible if the other user blocks too."""
        await self._postgres.execute(_UNBLOCK, blocker, blocked)

    async def blocks(self, blocker: int, blocked: int) -> bool:
        """Return whether there is a block."""
        return await self._postgres.fetch_one(_BLOCKS, blocker, blocked) is not None

    async def between(self, user: int, others: Collection[int]) -> Collection[int]:
        """Return those of ``others`` whom the user has blocked, or who have blocked the user."""
        return {row[0] for row in await self._postgres.fetch(_BLOCKED_BETWEEN, user, list(others), user, list(others))}

    async def blocked_page(self, blocker: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` users blocked by ``blocker`` with id > ``after``, by id."""
        return [User(*row) for row in await self._postgres.fetch(_BLOCKED_PAGE, blocker, after, limit)]


async def remove_blocks(session: Session, user: int) -> None:
    """Delete all blocks of and by a user. The caller holds the user's row FOR UPDATE."""
    await session.execute(_REMOVE_BLOCKS, user, user)


async def _lock_for_block(session: Session, blocker: int, blocked: int) -> None:
    for user in sorted((blocker, blocked)):
        if await session.fetch_one(_LOCK_BLOCKER if user == blocker else _LOCK_BLOCKED, user) is None:
            raise NotFound("user", user)


async def _end_edges(session: Session, blocker: int, blocked: int, at: datetime) -> None:
    for edge in ((blocker, blocked), (blocked, blocker)):
        ended, changed = await unfollow(session, *edge, at)
        if changed:
            await append(session, [edge_event(ended)])
