"""Users, in PostgreSQL. A deleted user's row stays, and for a while their name with it.

Registering in PostgreSQL, once for each name and once for each Idempotency-Key.

Password and token are kept in the same transaction: nobody has a name that they cannot get at.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from microblog_streams.domain import topics
from microblog_streams.domain.errors import NotFound, UsernameTaken
from microblog_streams.domain.events import UserDeleted
from microblog_streams.domain.lookalikes import look
from microblog_streams.domain.models import NO_CREDENTIALS, Credentials, Edge, IdempotencyKey, User
from microblog_streams.ports import BeforeCommit
from microblog_streams.stores.postgres.blocks import remove_all
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.credentials import add_password, add_token
from microblog_streams.stores.postgres.follows import COLUMNS
from microblog_streams.stores.postgres.idempotency import claim, finish
from microblog_streams.stores.postgres.outbox import append, edge_event
from microblog_streams.stores.postgres.session import Row, Session

#: Who calls where somebody registers: no user has this id.
REGISTRATION_CALLER: Final = 0

#: Days for which a deleted user's name is nobody's, unless the settings say otherwise.
HOLD_DAYS: Final = 30

#: Why a name is not to be had, by whether it reads the same, and whether its owner is deleted.
REASONS: Final = {
    (True, False): "is taken",
    (False, False): "looks like the name of somebody else: letters of different scripts are taken for each other",
    (True, True): "was the name of somebody who is deleted, and is held back for a while",
    (False, True): "looks like the name of somebody who is deleted, which is held back for a while",
}

_CREATE: Final = """
INSERT INTO users (username, name_key, look) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
RETURNING id, username, created_at
"""
# deleted_at is a worker's time: no days are none, whatever the clocks say.
_FREE: Final = """
UPDATE users SET name_key = NULL, look = NULL
 WHERE (name_key = %s OR look = %s) AND deleted_at IS NOT NULL
   AND (%s = 0 OR deleted_at <= now() - make_interval(days => %s))
"""
_OWNER: Final = """
SELECT name_key = %s, deleted_at IS NOT NULL FROM users WHERE name_key = %s OR look = %s ORDER BY 1 DESC LIMIT 1
"""
_GET: Final = "SELECT id, username, created_at FROM users WHERE id = %s AND deleted_at IS NULL"

_GET_MANY: Final = "SELECT id, username, created_at FROM users WHERE id = ANY(%s::bigint[]) AND deleted_at IS NULL"
_NAMED: Final = "SELECT id, username, created_at FROM users WHERE name_key = %s AND deleted_at IS NULL"
_PAGE: Final = """
SELECT id, username, created_at FROM users WHERE id > %s AND deleted_at IS NULL ORDER BY id LIMIT %s
"""
_DELETED: Final = "SELECT id, deleted_at FROM users WHERE id > %s AND deleted_at IS NOT NULL ORDER BY id LIMIT %s"
# Somebody of a block of the table that is drawn: a walk over all users would take too long, and a number up to the
# highest id would nearly always fall into the gap that a new era leaves between ids.
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
# By the clock of whoever deleted, which may be a minute behind.
_ALIVE: Final = """
SELECT FROM users WHERE id = %s AND deleted_at IS NULL AND created_at <= %s + interval '1 minute'
"""
# The name is freed by whoever registers it when the time for which it is held back is over.
_DELETE: Final = "UPDATE users SET deleted_at = %s WHERE id = %s"
# With the user's row locked no new ones come.
_FORGET: Final = ("DELETE FROM tokens WHERE user_id = %s", "DELETE FROM passwords WHERE user_id = %s")
_UNFOLLOW_ALL: Final = f"""
UPDATE follows SET following = false, changed_at = %s,
       version = greatest(version + 1, (SELECT (era << 40) + 1 FROM deployment))
 WHERE follower_id = %s AND following
RETURNING {COLUMNS}
"""  # noqa: S608


class Users:
    """The ``UserStore`` of a deployment."""

    def __init__(self, postgres: Postgres, hold_days: int = HOLD_DAYS) -> None:
        """Take the connection, and the days for which a deleted user's name is nobody's."""
        self._postgres = postgres
        self._hold_days = hold_days

    async def create(
        self,
        username: str,
        name_key: str,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> User:
        """Register. Raises UsernameTaken; of two at once the second waits for the first to commit."""
        async with self._postgres.transaction() as session:
            user = await register(session, username, name_key, credentials, self._hold_days)
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
        """Register, in one transaction with the key's row; return the user, and whether they are new.

        Raises UsernameTaken, KeyReused; NotFound where the key's user is deleted by now.
        """
        async with self._postgres.transaction() as session:
            user, new = await register_once(session, username, name_key, idempotency_key, credentials, self._hold_days)
            if new and before_commit is not None:
                await before_commit(user.id)
            return user, new

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User]:
        """Return those of the users that exist and are not deleted."""
        rows = await self._postgres.fetch(_GET_MANY, list(ids))
        return {row[0]: User(*row) for row in rows}

    async def named(self, name_key: str) -> User | None:
        """Return who has the name with this key; None where nobody has."""
        row = await self._postgres.fetch_one(_NAMED, name_key)
        return None if row is None else User(*row)

    async def page(self, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` users with id > ``after``, by id."""
        return [User(*row) for row in await self._postgres.fetch(_PAGE, after, limit)]

    async def draw(self) -> int | None:
        """Return the id of somebody at random; None where the draw fell on nobody."""
        row = await self._postgres.fetch_one(DRAW_USER)
        return None if row is None else int(row[0])

    async def estimate(self) -> int:
        """Return about how many users there are, also deleted ones; 0 where PostgreSQL has not looked yet."""
        ((count,),) = await self._postgres.fetch(_ESTIMATE)
        return int(count)

    async def deleted_page(self, after: int, limit: int) -> Sequence[tuple[int, datetime]]:
        """Return up to ``limit`` deleted users with id > ``after`` and when that was, by id."""
        return [(user, at) for user, at in await self._postgres.fetch(_DELETED, after, limit)]

    async def republish_deleted(self, after: int, limit: int) -> Sequence[tuple[int, datetime]]:
        """Publish the events of a page of ``deleted_page`` again; return the page. Their effects only repeat."""
        async with self._postgres.transaction() as session:
            deleted = [(user, at) for user, at in await session.fetch(_DELETED, after, limit)]
            await append(session, [(topics.USER_DELETED, UserDeleted(user_id=user, at=at)) for user, at in deleted])
        return deleted

    async def delete(self, user: int, at: datetime) -> bool:
        """Delete, with one ``user.unfollow`` for each outgoing edge, then ``user.deleted``. False: nothing to delete.

        Tokens, password, and blocks by the user and of the user go too. Incoming edges stay as they are: the author's
        tombstone in the followers table outweighs them.
        """
        async with self._postgres.transaction() as session:
            if await session.fetch_one(_LOCK, user) is None:
                return False
            await session.execute(_DELETE, at, user)
            await remove_all(session, user)
            for statement in _FORGET:
                await session.execute(statement, user)
            await append(session, [edge_event(edge) for edge in await _unfollow_all(session, user, at)])
            await append(session, [(topics.USER_DELETED, UserDeleted(user_id=user, at=at))])
            return True

    async def delete_again(self, user: int, at: datetime) -> bool:
        """Delete somebody whose deletion at that time was lost; False: it was not, or another has the id since."""
        if await self._postgres.fetch_one(_ALIVE, user, at) is None:
            return False
        return await self.delete(user, at)


async def _unfollow_all(session: Session, user: int, at: datetime) -> list[Edge]:
    return [Edge(*row) for row in await session.fetch(_UNFOLLOW_ALL, at, user)]


async def register(session: Session, username: str, name_key: str, credentials: Credentials, hold_days: int) -> User:
    """Add a user. Raises UsernameTaken. To be called in a transaction.

    ``hold_days``: for how long after a deletion the name is nobody's.
    """
    user = User(*await _create(session, username, name_key, hold_days))
    if credentials.password:
        await add_password(session, user.id, credentials.password)
    if credentials.token:
        await add_token(session, user.id, credentials.token, registered=True)
    return user


async def register_once(
    session: Session,
    username: str,
    name_key: str,
    idempotency_key: IdempotencyKey,
    credentials: Credentials,
    hold_days: int,
) -> tuple[User, bool]:
    """Add a user, or find the one of an earlier call; return whether they are new. To be called in a transaction.

    Raises UsernameTaken, after which the key must not stay: roll back. KeyReused, NotFound (deleted by now).
    """
    # Hashed: whoever knows this key and the name is taken, for a day, for the one who registered.
    hidden = replace(idempotency_key, key=sha256(idempotency_key.key.encode()).hexdigest())
    if seen := await claim(session, REGISTRATION_CALLER, hidden):
        return await _find(session, seen.user_id), False
    user = await register(session, username, name_key, credentials, hold_days)
    await finish(session, REGISTRATION_CALLER, hidden, user.id)
    return user, True


async def _create(session: Session, username: str, name_key: str, hold_days: int) -> Row:
    """Insert the row. A name that is in use, or was, costs another statement or two; all others cost one."""
    like = look(username)
    if row := await session.fetch_one(_CREATE, username, name_key, like):
        return row
    if await session.execute(_FREE, name_key, like, hold_days, hold_days) and (
        row := await session.fetch_one(_CREATE, username, name_key, like)
    ):
        return row
    owner = await session.fetch_one(_OWNER, name_key, name_key, like)
    raise UsernameTaken(username, REASONS[bool(owner[0]), bool(owner[1])] if owner else "is taken")


async def _find(session: Session, user: int | None) -> User:
    row = await session.fetch_one(_GET, user)
    if row is None:
        raise NotFound("user", user)
    return User(*row)
