"""Registering in PostgreSQL, once for each name and once for each Idempotency-Key.

Password and token are kept in the same transaction: nobody has a name that they cannot get at.
"""

from dataclasses import replace
from hashlib import sha256
from typing import Final

from microblog_streams.domain.errors import NotFound, UsernameTaken
from microblog_streams.domain.lookalikes import look
from microblog_streams.domain.models import Credentials, IdempotencyKey, User
from microblog_streams.stores.postgres.idempotency import claim, finish
from microblog_streams.stores.postgres.passwords import add_password
from microblog_streams.stores.postgres.session import Row, Session
from microblog_streams.stores.postgres.tokens import add_token

#: Who calls where somebody registers: no user has this id.
NOBODY: Final = 0

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
    session: Session, username: str, name_key: str, once: IdempotencyKey, credentials: Credentials, hold_days: int
) -> tuple[User, bool]:
    """Add a user, or find the one of an earlier call; return whether they are new. To be called in a transaction.

    Raises UsernameTaken, after which the key must not stay: roll back. KeyReused, NotFound (deleted by now).
    """
    # Hashed: whoever knows this key and the name is taken, for a day, for the one who registered.
    hidden = replace(once, key=sha256(once.key.encode()).hexdigest())
    if seen := await claim(session, NOBODY, hidden):
        return await _find(session, seen.user_id), False
    user = await register(session, username, name_key, credentials, hold_days)
    await finish(session, NOBODY, hidden, user.id)
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
