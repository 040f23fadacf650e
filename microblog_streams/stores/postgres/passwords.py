"""Hashes of passwords, in PostgreSQL, in a table of their own: no read of a user comes near them."""

from typing import Final

from microblog_streams.domain.models import Login
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.session import Session

_ADD: Final = "INSERT INTO passwords (user_id, hash) VALUES (%s, %s)"
_FIND: Final = """
SELECT users.id, hash FROM users LEFT JOIN passwords ON user_id = users.id
 WHERE name_key = %s AND deleted_at IS NULL
"""
_GET: Final = "SELECT hash FROM passwords WHERE user_id = %s"
_PUT: Final = "UPDATE passwords SET hash = %s WHERE user_id = %s"


async def add_password(session: Session, user: int, password_hash: str) -> None:
    """Keep the first password of a user, in the transaction that registers them."""
    await session.execute(_ADD, user, password_hash)


class Passwords:
    """The ``PasswordStore`` of a deployment."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection."""
        self._postgres = postgres

    async def find(self, name_key: str) -> Login | None:
        """Return who has this name, with the password's hash; None where nobody has it."""
        row = await self._postgres.fetch_one(_FIND, name_key)
        return None if row is None else Login(*row)

    async def get(self, user: int) -> str | None:
        """Return the hash of a user's password, None where there is none."""
        row = await self._postgres.fetch_one(_GET, user)
        return None if row is None else str(row[0])

    async def put(self, user: int, password_hash: str) -> None:
        """Write a password's hash in place of the former; nothing happens where the user has none (any more)."""
        await self._postgres.execute(_PUT, password_hash, user)
