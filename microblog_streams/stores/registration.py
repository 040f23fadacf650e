"""Registering in PostgreSQL, once for each name and once for each Idempotency-Key.

Password and token are kept in the same transaction: nobody has a name that they cannot get at.
"""

from dataclasses import replace
from hashlib import sha256
from typing import Final

from microblog_streams.errors import NotFound, UsernameTaken
from microblog_streams.records import Credentials, Once, User
from microblog_streams.stores.idempotency import claim, finish
from microblog_streams.stores.passwords import add_password
from microblog_streams.stores.postgres_session import Session
from microblog_streams.stores.tokens import add_token

#: Who calls where somebody registers: no user has this id.
NOBODY: Final = 0

_CREATE: Final = """
INSERT INTO users (username, name_key) VALUES (%s, %s) ON CONFLICT (name_key) DO NOTHING
RETURNING id, username, created_at
"""
_GET: Final = "SELECT id, username, created_at FROM users WHERE id = %s AND deleted_at IS NULL"


async def register(session: Session, username: str, name_key: str, credentials: Credentials) -> User:
    """Add a user. Raises UsernameTaken. To be called in a transaction."""
    row = await session.fetch_one(_CREATE, username, name_key)
    if row is None:
        raise UsernameTaken(username)
    user = User(*row)
    if credentials.password:
        await add_password(session, user.id, credentials.password)
    if credentials.token:
        await add_token(session, user.id, credentials.token, registered=True)
    return user


async def register_once(
    session: Session, username: str, name_key: str, once: Once, credentials: Credentials
) -> tuple[User, bool]:
    """Add a user, or find the one of an earlier call; return whether they are new. To be called in a transaction.

    Raises UsernameTaken, after which the key must not stay: roll back. KeyReused, NotFound (deleted by now).
    """
    # Hashed: whoever knows this key and the name is taken, for a day, for the one who registered.
    hidden = replace(once, key=sha256(once.key.encode()).hexdigest())
    if seen := await claim(session, NOBODY, hidden):
        return await _find(session, seen.user_id), False
    user = await register(session, username, name_key, credentials)
    await finish(session, NOBODY, hidden, user.id)
    return user, True


async def _find(session: Session, user: int | None) -> User:
    row = await session.fetch_one(_GET, user)
    if row is None:
        raise NotFound("user", user)
    return User(*row)
