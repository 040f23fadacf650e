"""Tokens and password hashes, in tables of their own: no read of a user touches them.

A revoked token stays for 30 days, for operators who look up what it was.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from microblog_streams.domain.errors import NotFound
from microblog_streams.domain.models import Login, NewToken, Token
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.session import Row, Session

_FIND_LOGIN: Final = """
SELECT users.id, hash FROM users LEFT JOIN passwords ON user_id = users.id
 WHERE name_key = %s AND deleted_at IS NULL AND suspended_at IS NULL
"""
_GET_HASH: Final = "SELECT hash FROM passwords WHERE user_id = %s"
_REPLACE_HASH: Final = "UPDATE passwords SET hash = %s WHERE user_id = %s AND hash = %s"
# FOR SHARE: as for tokens, below.
_SET_HASH: Final = """
INSERT INTO passwords (user_id, hash)
SELECT owner.id, %s FROM (SELECT id FROM users WHERE id = %s AND deleted_at IS NULL FOR SHARE) AS owner
ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash
"""


class Passwords:
    """The ``PasswordStore``."""

    def __init__(self, postgres: Postgres) -> None:
        """Use the pool of ``postgres``."""
        self._postgres = postgres

    async def find(self, name_key: str) -> Login | None:
        """Return the user with this name and the hash of their password; None if the name is not in use."""
        row = await self._postgres.fetch_one(_FIND_LOGIN, name_key)
        return None if row is None else Login(*row)

    async def get(self, user: int) -> str | None:
        """Return the hash of a user's password, None if they have none."""
        row = await self._postgres.fetch_one(_GET_HASH, user)
        return None if row is None else str(row[0])

    async def replace(self, user: int, known: str, password_hash: str) -> bool:
        """Replace a user's hash if it is still ``known``; return whether it was."""
        return await self._postgres.execute(_REPLACE_HASH, password_hash, user, known) > 0

    async def set(self, user: int, password_hash: str) -> None:
        """Give a user this hash, whether they have one or not. Raises NotFound (the user)."""
        if not await self._postgres.execute(_SET_HASH, password_hash, user):
            raise NotFound("user", user)


#: Live tokens of a user: more than a person has devices. It bounds the list, and the rows that repeated logins create.
MAX_TOKENS: Final = 100

_COLUMNS: Final = "id, user_id, hash, name, created_at, last_used_at, expires_at"
_LIVE: Final = "revoked_at IS NULL AND expires_at > now()"

# FOR SHARE: a concurrent deletion (FOR UPDATE) commits before, and no row is inserted, or after, and deletes the token.
_ADD_TOKEN: Final = f"""
INSERT INTO tokens (user_id, hash, name, expires_at, registered)
SELECT owner.id, %s, %s, now() + %s, %s
  FROM (SELECT id FROM users WHERE id = %s AND deleted_at IS NULL FOR SHARE) AS owner
RETURNING {_COLUMNS}
"""  # noqa: S608
_REVOKE_OLDEST: Final = f"""
UPDATE tokens SET revoked_at = now()
 WHERE id IN (SELECT id FROM tokens WHERE user_id = %s AND {_LIVE}
               ORDER BY coalesce(last_used_at, created_at) DESC, id DESC OFFSET {MAX_TOKENS})
"""  # noqa: S608
_DROP_REGISTERED: Final = "DELETE FROM tokens WHERE user_id = %s AND registered AND id <> %s"
_FIND_TOKEN: Final = f"""
SELECT {_COLUMNS} FROM tokens
 WHERE hash = %s AND {_LIVE}
   AND EXISTS (SELECT FROM users WHERE users.id = user_id AND deleted_at IS NULL AND suspended_at IS NULL)
"""  # noqa: S608
_OF: Final = f"SELECT {_COLUMNS} FROM tokens WHERE user_id = %s AND {_LIVE} ORDER BY id"  # noqa: S608
_REVOKE: Final = f"""
UPDATE tokens SET revoked_at = now() WHERE user_id = %s AND id = %s AND {_LIVE} RETURNING {_COLUMNS}
"""  # noqa: S608
# Locked by id, as by every worker; most rows have the same minute already.
_NOTE_USED: Final = """
WITH used AS (
    SELECT id, at FROM tokens JOIN unnest(%s::bigint[], %s::timestamptz[]) AS use (id, at) USING (id)
     WHERE last_used_at IS NULL OR last_used_at < at - interval '1 minute'
     ORDER BY id FOR UPDATE OF tokens)
UPDATE tokens SET last_used_at = at FROM used WHERE tokens.id = used.id
"""
_SWEEP: Final = """
DELETE FROM tokens WHERE id = ANY(ARRAY(
    SELECT id FROM tokens WHERE least(expires_at, revoked_at) <= now() - interval '30 days'
     ORDER BY least(expires_at, revoked_at) LIMIT %s FOR UPDATE SKIP LOCKED))
"""


async def add_token(session: Session, user: int, new: NewToken, registered: bool = False) -> Token:
    """Insert a token within the caller's transaction. Raises NotFound (the user)."""
    row = await session.fetch_one(_ADD_TOKEN, new.hash, new.name, new.life, registered, user)
    if row is None:
        raise NotFound("user", user)
    return _token(row)


class Tokens:
    """The ``TokenStore``."""

    def __init__(self, postgres: Postgres) -> None:
        """Use the pool of ``postgres``."""
        self._postgres = postgres

    async def add(self, user: int, new: NewToken) -> Token:
        """Add a token, and revoke all but the ``MAX_TOKENS`` most recently used. Raises NotFound (the user)."""
        async with self._postgres.transaction() as session:
            token = await add_token(session, user, new)
            await session.execute(_REVOKE_OLDEST, user)
            return token

    async def renew(self, user: int, new: NewToken) -> Token:
        """Add a token in place of the one made at registration. Raises NotFound (the user)."""
        async with self._postgres.transaction() as session:
            # The user's row first, then tokens: in the other order a deletion of the user would be a deadlock.
            token = await add_token(session, user, new, registered=True)
            await session.execute(_DROP_REGISTERED, user, token.id)
            return token

    async def find(self, token_hash: bytes) -> Token | None:
        """Return the live token with this hash."""
        row = await self._postgres.fetch_one(_FIND_TOKEN, token_hash)
        return None if row is None else _token(row)

    async def of(self, user: int) -> Sequence[Token]:
        """Return a user's live tokens, by id."""
        return [_token(row) for row in await self._postgres.fetch(_OF, user)]

    async def revoke(self, user: int, ident: int) -> Token:
        """Revoke a live token of a user and return it. Raises NotFound, also for another user's token."""
        row = await self._postgres.fetch_one(_REVOKE, user, ident)
        if row is None:
            raise NotFound("token", ident)
        return _token(row)

    async def note_used(self, times: Mapping[int, datetime]) -> None:
        """Set ``last_used_at`` of tokens by id, unless it is less than a minute older already."""
        await self._postgres.execute(_NOTE_USED, list(times), list(times.values()))

    async def sweep(self, limit: int) -> int:
        """Delete up to ``limit`` tokens that ended at least 30 days ago; return their number."""
        return await self._postgres.execute(_SWEEP, limit)


def _token(row: Row) -> Token:
    ident, user, token_hash, *rest = row
    return Token(ident, user, bytes(token_hash), *rest)
