"""Ending an edge within a transaction: by its follower, or by a block of either of the two.

The row stays, and its version grows under its lock; who calls appends the event in the same transaction.

Who follows whom, in PostgreSQL. An edge's row stays on unfollow; its version grows under its row lock.

So the versions of an edge are in the order of its commits, and its events carry them: readers need no other order.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from microblog_streams.domain.errors import Blocked, NotFound, TooManyFollowees
from microblog_streams.domain.models import Edge, IdempotencyKey, User
from microblog_streams.stores.postgres.connection import Lock, Postgres
from microblog_streams.stores.postgres.idempotency import claim, finish
from microblog_streams.stores.postgres.outbox import append, edge_event
from microblog_streams.stores.postgres.session import Session

#: The columns of an ``Edge``.
COLUMNS: Final = "follower_id, followee_id, following, version, changed_at"

_LOCK: Final = f"SELECT {COLUMNS} FROM follows WHERE follower_id = %s AND followee_id = %s FOR UPDATE"  # noqa: S608
_UNFOLLOW: Final = f"""
UPDATE follows SET following = false, changed_at = %s,
       version = greatest(version + 1, (SELECT (era << 40) + 1 FROM deployment))
 WHERE follower_id = %s AND followee_id = %s
RETURNING {COLUMNS}
"""  # noqa: S608


async def stored(session: Session, follower: int, followee: int, at: datetime) -> Edge:
    """Lock an edge's row and return it; an edge of version 0 where nobody ever made it."""
    row = await session.fetch_one(_LOCK, follower, followee)
    return Edge(*row) if row else Edge(follower, followee, False, 0, at)


async def unfollow(session: Session, follower: int, followee: int, at: datetime) -> tuple[Edge, bool]:
    """End an edge; return it, and whether that was a change."""
    edge = await stored(session, follower, followee, at)
    if not edge.following:
        return edge, False
    (row,) = await session.fetch(_UNFOLLOW, at, follower, followee)
    return Edge(*row), True


# In the order of ids, as everybody locks users; FOR SHARE, so that only a deletion and a block have to wait.
_LOCK_USERS: Final = "SELECT id FROM users WHERE id IN (%s, %s) AND deleted_at IS NULL ORDER BY id FOR SHARE"
# Of two first follows at once, the second waits here and then finds the row of the first.
_FOLLOW: Final = f"""
INSERT INTO follows AS edge ({COLUMNS})
VALUES (%s, %s, true, (SELECT (era << 40) + 1 FROM deployment), %s)
ON CONFLICT (follower_id, followee_id) DO UPDATE
   SET following = true, version = greatest(edge.version + 1, excluded.version), changed_at = excluded.changed_at
 WHERE NOT edge.following
RETURNING {COLUMNS}
"""  # noqa: S608
# Without locks: where an edge changes meanwhile, its later version wins, in whatever order the events come.
_LAST: Final = f"""
SELECT {COLUMNS} FROM follows
 WHERE (follower_id, followee_id) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))
 ORDER BY followee_id, follower_id
"""  # noqa: S608
# Edges of which somebody knows a version that is not here, or another word on the same version.
_AHEAD: Final = """
SELECT claim.follower, claim.followee
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::boolean[]) AS claim (follower, followee, version, following)
  LEFT JOIN follows AS edge ON edge.follower_id = claim.follower AND edge.followee_id = claim.followee
 WHERE coalesce(edge.version, 0) < claim.version
    OR (edge.version = claim.version AND edge.following <> claim.following)
"""
# An edge that is not here, or was changed since it was found: its later version is above the claim in any case.
_OUTDO: Final = f"""
INSERT INTO follows AS edge ({COLUMNS})
SELECT %s, %s, false, greatest(%s::bigint, era << 40) + 1, now() FROM deployment
ON CONFLICT (follower_id, followee_id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at
 WHERE edge.version < excluded.version
RETURNING {COLUMNS}
"""  # noqa: S608
# A person's follows go one after the other, or two at once would each find room for one. A lock on the user's row would
# hold up whoever follows them, too. Some people share a lock (it goes by a hash), and then wait for each other.
_LOCK_FOLLOWING: Final = f"SELECT pg_advisory_xact_lock({int(Lock.FOLLOWING)}, hashint8(%s))"
_COUNT_EDGES: Final = """
SELECT count(*) FROM (SELECT FROM follows WHERE follower_id = %s AND following LIMIT %s) AS bounded
"""
_BETWEEN: Final = "SELECT FROM blocks WHERE (blocker_id, blocked_id) IN ((%s, %s), (%s, %s)) LIMIT 1"
_COUNT_FOLLOWEES: Final = """
SELECT count(*) FROM (
    SELECT FROM follows JOIN users ON id = followee_id
     WHERE follower_id = %s AND following AND deleted_at IS NULL LIMIT %s) AS bounded
"""
_FOLLOWEES: Final = """
SELECT followee_id FROM follows JOIN users ON id = followee_id
 WHERE follower_id = %s AND following AND deleted_at IS NULL ORDER BY followee_id
"""
_FOLLOWEES_PAGE: Final = """
SELECT id, username, created_at FROM follows JOIN users ON id = followee_id
 WHERE follower_id = %s AND followee_id > %s AND following AND deleted_at IS NULL ORDER BY followee_id LIMIT %s
"""
_FOLLOWERS_PAGE: Final = """
SELECT id, username, created_at FROM follows JOIN users ON id = follower_id
 WHERE followee_id = %s AND follower_id > %s AND following AND deleted_at IS NULL ORDER BY follower_id LIMIT %s
"""
_EDGES_PAGE: Final = f"""
SELECT {COLUMNS} FROM follows WHERE (followee_id, follower_id) > (%s, %s) ORDER BY followee_id, follower_id LIMIT %s
"""  # noqa: S608
_ESTIMATE: Final = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'follows'::regclass"


class Follows:
    """The ``FollowStore`` of a deployment."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection."""
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
        """Follow or unfollow; where it is so already there is no change and no event. On follow: NotFound, Blocked.

        Nobody comes to follow more than ``max_followees`` people (0: any number). Raises TooManyFollowees.
        Unfollowing somebody never followed leaves no row and answers an edge of version 0.
        A key of the follower that came before changes nothing, whatever the edge is by now. Raises KeyReused.
        """
        async with self._postgres.transaction() as session:
            if idempotency_key and await claim(session, follower, idempotency_key):
                return await stored(session, follower, followee, at)
            edge, changed = await _change(session, follower, followee, following, at, max_followees)
            if changed:
                await append(session, [edge_event(edge)])
            if idempotency_key:
                await finish(session, follower, idempotency_key)
            return edge

    async def republish(self, edges: Collection[tuple[int, int]]) -> int:
        """Publish the last event of each edge (follower, followee) again; return how many there are.

        An edge that nobody ever made has none.
        """
        followers, followees = [follower for follower, _ in edges], [followee for _, followee in edges]
        async with self._postgres.transaction() as session:
            rows = await session.fetch(_LAST, followers, followees)
            await append(session, [edge_event(Edge(*row)) for row in rows])
        return len(rows)

    async def correct(self, claims: Sequence[Edge]) -> int:
        """Have PostgreSQL's word be the last on edges of which the claims know more: it has lost their last commits.

        Such an edge gets a version above the claim's, and is published, as it is here; one that is not here is ended.
        Return how many there were. One transaction each, because a deletion takes many edges, in any order.
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
        """Publish the last events of a page of ``edges_page`` again, as ones without effects; return the edges."""
        async with self._postgres.transaction() as session:
            edges = [Edge(*row) for row in await session.fetch(_EDGES_PAGE, *after, limit)]
            await append(session, [edge_event(edge, restate=True) for edge in edges])
        return edges

    async def followees(self, follower: int) -> Sequence[int]:
        """Return everyone whom ``follower`` follows, by id (deleted users left out)."""
        return [followee for (followee,) in await self._postgres.fetch(_FOLLOWEES, follower)]

    async def followees_page(self, follower: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followees with id > ``after``, by id."""
        return [User(*row) for row in await self._postgres.fetch(_FOLLOWEES_PAGE, follower, after, limit)]

    async def followers_page(self, followee: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followers with id > ``after``, by id."""
        return [User(*row) for row in await self._postgres.fetch(_FOLLOWERS_PAGE, followee, after, limit)]

    async def estimate(self) -> int:
        """Return about how many edges there are, also unfollowed ones; 0 where PostgreSQL has not looked yet."""
        ((count,),) = await self._postgres.fetch(_ESTIMATE)
        return int(count)

    async def edges_page(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        """Return up to ``limit`` edges, also unfollowed ones, with (followee, follower) > ``after``, in that order."""
        return [Edge(*row) for row in await self._postgres.fetch(_EDGES_PAGE, *after, limit)]


async def _change(
    session: Session, follower: int, followee: int, following: bool, at: datetime, max_followees: int
) -> tuple[Edge, bool]:
    if not following:
        return await unfollow(session, follower, followee, at)
    if not max_followees:
        return await _follow(session, follower, followee, at)
    await session.fetch(_LOCK_FOLLOWING, follower)
    edge, changed = await _follow(session, follower, followee, at)
    if changed:
        await _check_number(session, follower, max_followees)
    return edge, changed


async def _follow(session: Session, follower: int, followee: int, at: datetime) -> tuple[Edge, bool]:
    await _lock_users(session, follower, followee)
    await _refuse_blocked(session, follower, followee)
    changed = await session.fetch(_FOLLOW, follower, followee, at)
    if not changed:
        return await stored(session, follower, followee, at), False
    return Edge(*changed[0]), True


async def _check_number(session: Session, follower: int, max_followees: int) -> None:
    """Raise TooManyFollowees, which undoes the follow. Who seems over it is looked at again without deleted people."""
    for count in (_COUNT_EDGES, _COUNT_FOLLOWEES):
        ((found,),) = await session.fetch(count, follower, max_followees + 1)
        if found <= max_followees:
            return
    raise TooManyFollowees(max_followees)


async def _refuse_blocked(session: Session, follower: int, followee: int) -> None:
    """Raise Blocked where either has blocked the other. To be called once both users are locked."""
    if await session.fetch_one(_BETWEEN, follower, followee, followee, follower) is not None:
        raise Blocked(followee)


async def _lock_users(session: Session, follower: int, followee: int) -> None:
    found = {user for (user,) in await session.fetch(_LOCK_USERS, follower, followee)}
    for user in (follower, followee):
        if user not in found:
            raise NotFound("user", user)
