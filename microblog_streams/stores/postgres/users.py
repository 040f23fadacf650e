"""Users in PostgreSQL: registration, reads, deletion. A deleted user's row stays, and holds the name for a while.

Password and token are inserted in the transaction of the registration: no user has a name without access to it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from microblog_streams.domain import topics
from microblog_streams.domain.errors import NotFound, UsernameTaken
from microblog_streams.domain.events import UserCreated, UserDeleted
from microblog_streams.domain.lookalikes import look
from microblog_streams.domain.models import NO_CREDENTIALS, Credentials, Edge, IdempotencyKey, Suspension, User
from microblog_streams.ports import BeforeCommit
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.follows import COLUMNS, remove_blocks
from microblog_streams.stores.postgres.idempotency import claim, finish
from microblog_streams.stores.postgres.outbox import append, edge_event
from microblog_streams.stores.postgres.session import Session

#: The caller of Idempotency-Keys of registrations: no user has this id.
REGISTRATION_CALLER: Final = 0

#: Days for which a deleted user's name is held back, unless the settings say otherwise.
HOLD_DAYS: Final = 30

#: Why a name is refused, by (it is the same name, its owner is deleted).
REASONS: Final = {
    (True, False): "is taken",
    (False, False): "looks like the name of another user: its letters can be mistaken for those of another script",
    (True, True): "belonged to a deleted user, and is still reserved",
    (False, True): "looks like the name of a deleted user, which is still reserved",
}

# User, password and token in one statement: each of its own would be another round trip. If the name is not free, there
# is no row to insert the others for. The token needs no lock on its user, whom no deletion sees before the commit.
_CREATE: Final = """
WITH person AS (
    INSERT INTO users (username, name_key, look) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
    RETURNING id, username, created_at
), password AS (
    INSERT INTO passwords (user_id, hash) SELECT id, hash FROM person, (SELECT %s::text AS hash) AS given
     WHERE hash IS NOT NULL
), token AS (
    INSERT INTO tokens (user_id, hash, name, expires_at, registered)
    SELECT id, hash, name, now() + life, true
      FROM person, (SELECT %s::bytea AS hash, %s::text AS name, %s::interval AS life) AS given
     WHERE hash IS NOT NULL
)
SELECT id, username, created_at FROM person
"""
# deleted_at is a worker's time: 0 days must free the name whatever the clocks say.
_FREE: Final = """
UPDATE users SET name_key = NULL, look = NULL
 WHERE (name_key = %s OR look = %s) AND deleted_at IS NOT NULL
   AND (%s = 0 OR deleted_at <= now() - make_interval(days => %s))
"""
_OWNER: Final = """
SELECT name_key = %s, deleted_at IS NOT NULL FROM users WHERE name_key = %s OR look = %s
 ORDER BY 1 DESC NULLS LAST LIMIT 1
"""
_GET: Final = "SELECT id, username, created_at, display_name FROM users WHERE id = %s AND deleted_at IS NULL"

_GET_MANY: Final = """
SELECT id, username, created_at, display_name FROM users
 WHERE id = ANY(%s::bigint[]) AND deleted_at IS NULL AND suspended_at IS NULL
"""
_UNDELETED: Final = """
SELECT id, username, created_at, display_name FROM users WHERE id = ANY(%s::bigint[]) AND deleted_at IS NULL
"""
_NAMED: Final = """
SELECT id, username, created_at, display_name FROM users
 WHERE name_key = %s AND deleted_at IS NULL AND suspended_at IS NULL
"""
_PAGE: Final = """
SELECT id, username, created_at, display_name FROM users
 WHERE id > %s AND deleted_at IS NULL AND suspended_at IS NULL ORDER BY id LIMIT %s
"""
_IDS: Final = "SELECT id FROM users WHERE id > %s AND deleted_at IS NULL ORDER BY id LIMIT %s"
_DELETED: Final = "SELECT id, deleted_at FROM users WHERE id > %s AND deleted_at IS NOT NULL ORDER BY id LIMIT %s"
# A random user of a random block of the table: a scan of all users would take too long, and a random id would nearly
# always fall into the gap that a new era leaves between ids.
DRAW_USER: Final = """
WITH drawn AS MATERIALIZED (
    SELECT floor(random() * pg_relation_size('users') / current_setting('block_size')::int)::bigint AS block
)
SELECT id FROM users
 WHERE ctid >= (SELECT ('(' || block || ',0)')::tid FROM drawn)
   AND ctid < (SELECT ('(' || block + 1 || ',0)')::tid FROM drawn)
   AND deleted_at IS NULL
 ORDER BY random() LIMIT 1
"""
_ESTIMATE: Final = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'users'::regclass"
_LOCK: Final = "SELECT FROM users WHERE id = %s AND deleted_at IS NULL FOR UPDATE"
# The time of the deletion is by a worker's clock, which may be a minute behind.
_ALIVE: Final = """
SELECT FROM users WHERE id = %s AND deleted_at IS NULL AND created_at <= %s + interval '1 minute'
"""
_SUSPEND: Final = """
UPDATE users SET suspended_at = coalesce(suspended_at, %s),
       suspension_reason = coalesce(nullif(%s, ''), suspension_reason)
 WHERE id = %s AND deleted_at IS NULL
"""
_RESTORE: Final = """
UPDATE users SET suspended_at = NULL, suspension_reason = '' WHERE id = %s AND deleted_at IS NULL
"""
_SUSPENDED: Final = """
SELECT id, username, created_at, display_name, suspended_at, suspension_reason FROM users
 WHERE id > %s AND suspended_at IS NOT NULL AND deleted_at IS NULL ORDER BY id LIMIT %s
"""
# A later registration frees the name once it is not held back any more.
_DELETE: Final = "UPDATE users SET deleted_at = %s WHERE id = %s"
# The lock on the user's row prevents new ones.
_FORGET: Final = (
    "DELETE FROM tokens WHERE user_id = %s",
    "DELETE FROM passwords WHERE user_id = %s",
)
# Their followers count them until the sweep of ``profiles``.
_STILL_COUNTED: Final = "INSERT INTO counted_deleted_users (user_id) VALUES (%s) ON CONFLICT DO NOTHING"
_UNFOLLOW_ALL: Final = f"""
UPDATE follows SET following = false, changed_at = %s,
       version = greatest(version + 1, (SELECT (era << 40) + 1 FROM deployment))
 WHERE follower_id = %s AND following
RETURNING {COLUMNS}
"""  # noqa: S608


class Users:
    """The ``UserStore``."""

    def __init__(self, postgres: Postgres, hold_days: int = HOLD_DAYS, announced: bool = False) -> None:
        """``hold_days``: for how long a deleted user's name is held back.

        ``announced``: whether registrations publish ``user.created``, which only the search indexer consumes.
        """
        self._postgres = postgres
        self._hold_days = hold_days
        self._announced = announced

    async def create(
        self,
        username: str,
        name_key: str,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> User:
        """Register. Raises UsernameTaken; of two concurrent registrations of a name, the second waits for the first."""
        async with self._postgres.transaction() as session:
            user = await register(session, username, name_key, credentials, self._hold_days)
            await self._announce(session, user)
            if before_commit is not None:
                await before_commit(user.id)
            return user

    async def create_once(
        self,
        username: str,
        name_key: str,
        idempotency_key: IdempotencyKey,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> tuple[User, bool]:
        """Register, in one transaction with the key's row; return the user and whether they are new.

        Raises UsernameTaken, KeyReused, NotFound (the key's user is deleted).
        """
        async with self._postgres.transaction() as session:
            user, new = await register_once(session, username, name_key, idempotency_key, credentials, self._hold_days)
            if new:
                await self._announce(session, user)
            if new and before_commit is not None:
                await before_commit(user.id)
            return user, new

    async def _announce(self, session: Session, user: User) -> None:
        if self._announced:
            await announce(session, user)

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User]:
        """Return those users that are neither deleted nor suspended, by id."""
        rows = await self._postgres.fetch(_GET_MANY, list(ids))
        return {row[0]: User(*row) for row in rows}

    async def undeleted(self, ids: Collection[int]) -> Mapping[int, User]:
        """Return those users that are not deleted, suspended ones too, by id."""
        rows = await self._postgres.fetch(_UNDELETED, list(ids))
        return {row[0]: User(*row) for row in rows}

    async def named(self, name_key: str) -> User | None:
        """Return the user with this name, None if there is none or they are deleted or suspended."""
        row = await self._postgres.fetch_one(_NAMED, name_key)
        return None if row is None else User(*row)

    async def page(self, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` users with id > ``after``, by id."""
        return [User(*row) for row in await self._postgres.fetch(_PAGE, after, limit)]

    async def ids(self, after: int, limit: int) -> Sequence[int]:
        """Return up to ``limit`` ids > ``after`` of undeleted users, also suspended ones, in order."""
        return [user for (user,) in await self._postgres.fetch(_IDS, after, limit)]

    async def draw(self) -> int | None:
        """Return the id of a random user; None if the random block of the table holds none."""
        row = await self._postgres.fetch_one(DRAW_USER)
        return None if row is None else int(row[0])

    async def estimate(self) -> int:
        """Return the approximate number of users, deleted ones too; 0 before the first ANALYZE of the table."""
        ((count,),) = await self._postgres.fetch(_ESTIMATE)
        return int(count)

    async def deleted_page(self, after: int, limit: int) -> Sequence[tuple[int, datetime]]:
        """Return up to ``limit`` deleted users with id > ``after``, with the time of deletion, by id."""
        return [(user, at) for user, at in await self._postgres.fetch(_DELETED, after, limit)]

    async def republish_deleted(self, after: int, limit: int) -> Sequence[tuple[int, datetime]]:
        """Publish the events of a page of ``deleted_page`` again; return the page. The effects are idempotent."""
        async with self._postgres.transaction() as session:
            deleted = [(user, at) for user, at in await session.fetch(_DELETED, after, limit)]
            await append(session, [(topics.USER_DELETED, UserDeleted(user_id=user, at=at)) for user, at in deleted])
        return deleted

    async def suspend(self, user: int, at: datetime, reason: str = "") -> bool:
        """Hide a user from all reads of users and tokens; False if there is none. The first time of it stays."""
        return bool(await self._postgres.execute(_SUSPEND, at, reason, user))

    async def restore(self, user: int) -> bool:
        """Show a user again; False if there is none."""
        return bool(await self._postgres.execute(_RESTORE, user))

    async def suspended_page(self, after: int, limit: int) -> Sequence[Suspension]:
        """Return up to ``limit`` suspended users with id > ``after``, by id."""
        rows = await self._postgres.fetch(_SUSPENDED, after, limit)
        return [Suspension(User(*user), at, reason) for *user, at, reason in rows]

    async def delete(self, user: int, at: datetime) -> bool:
        """Delete, with a ``user.unfollow`` for each outgoing edge, then ``user.deleted``. False: no such user.

        Incoming edges stay as they are: the author's tombstone in the followers table overrides them.
        """
        async with self._postgres.transaction() as session:
            if await session.fetch_one(_LOCK, user) is None:
                return False
            await session.execute(_DELETE, at, user)
            await remove_blocks(session, user)
            for statement in (*_FORGET, _STILL_COUNTED):
                await session.execute(statement, user)
            await append(session, [edge_event(edge) for edge in await _unfollow_all(session, user, at)])
            await append(session, [(topics.USER_DELETED, UserDeleted(user_id=user, at=at))])
            return True

    async def delete_again(self, user: int, at: datetime) -> bool:
        """Repeat a lost deletion of that time; False if it was not lost, or another user has the id."""
        if await self._postgres.fetch_one(_ALIVE, user, at) is None:
            return False
        return await self.delete(user, at)


async def _unfollow_all(session: Session, user: int, at: datetime) -> list[Edge]:
    return [Edge(*row) for row in await session.fetch(_UNFOLLOW_ALL, at, user)]


async def register(session: Session, username: str, name_key: str, credentials: Credentials, hold_days: int) -> User:
    """Insert a user, within the caller's transaction. Raises UsernameTaken.

    ``hold_days``: for how long after a deletion the name is held back.
    """
    lookalike, token = look(username), credentials.token
    granted = (token.hash, token.name, token.life) if token else (None, None, None)
    create = (_CREATE, username, name_key, lookalike, credentials.password or None, *granted)
    row = await session.fetch_one(*create)
    if row is None and await session.execute(_FREE, name_key, lookalike, hold_days, hold_days):
        row = await session.fetch_one(*create)
    if row is None:
        owner = await session.fetch_one(_OWNER, name_key, name_key, lookalike)
        raise UsernameTaken(username, REASONS[bool(owner[0]), bool(owner[1])] if owner else "is taken")
    return User(*row)


async def announce(session: Session, user: User) -> None:
    """Add the event of a registration, within its transaction."""
    event = UserCreated(user_id=user.id, username=user.username, at=user.created_at)
    await append(session, [(topics.USER_CREATED, event)])


async def register_once(
    session: Session,
    username: str,
    name_key: str,
    idempotency_key: IdempotencyKey,
    credentials: Credentials,
    hold_days: int,
) -> tuple[User, bool]:
    """Insert a user, or find that of an earlier request; return the user and whether they are new.

    Runs within the caller's transaction, which must roll back on UsernameTaken, so that the key stays unused. Raises
    KeyReused, NotFound (the user is deleted).
    """
    # Hashed, because the key and the name together would be a credential for a day.
    hidden = replace(idempotency_key, key=sha256(idempotency_key.key.encode()).hexdigest())
    if seen := await claim(session, REGISTRATION_CALLER, hidden):
        return await _find(session, seen.user_id), False
    user = await register(session, username, name_key, credentials, hold_days)
    await finish(session, REGISTRATION_CALLER, hidden, user.id)
    return user, True


async def _find(session: Session, user: int | None) -> User:
    row = await session.fetch_one(_GET, user)
    if row is None:
        raise NotFound("user", user)
    return User(*row)
