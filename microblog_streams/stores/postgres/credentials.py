"""Hashes of passwords, in PostgreSQL, in a table of their own: no read of a user comes near them.

Tokens, in PostgreSQL, by their hash. A revoked one stays for a while, so that somebody can look what it was.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from microblog_streams.domain.errors import NotFound
from microblog_streams.domain.models import Login, NewToken, Token
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.session import Row, Session

_ADD_HASH: Final = "INSERT INTO passwords (user_id, hash) VALUES (%s, %s)"
_FIND_LOGIN: Final = """
SELECT users.id, hash FROM users LEFT JOIN passwords ON user_id = users.id
 WHERE name_key = %s AND deleted_at IS NULL
"""
_GET_HASH: Final = "SELECT hash FROM passwords WHERE user_id = %s"
_PUT_HASH: Final = "UPDATE passwords SET hash = %s WHERE user_id = %s"


async def add_password(session: Session, user: int, password_hash: str) -> None:
    """Keep the first password of a user, in the transaction that registers them."""
    await session.execute(_ADD_HASH, user, password_hash)


class Passwords:
    """The ``PasswordStore`` of a deployment."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection."""
        self._postgres = postgres

    async def find(self, name_key: str) -> Login | None:
        """Return who has this name, with the password's hash; None where nobody has it."""
        row = await self._postgres.fetch_one(_FIND_LOGIN, name_key)
        return None if row is None else Login(*row)

    async def get(self, user: int) -> str | None:
        """Return the hash of a user's password, None where there is none."""
        row = await self._postgres.fetch_one(_GET_HASH, user)
        return None if row is None else str(row[0])

    async def put(self, user: int, password_hash: str) -> None:
        """Write a password's hash in place of the former; nothing happens where the user has none (any more)."""
        await self._postgres.execute(_PUT_HASH, password_hash, user)


#: Live tokens of a user: more than anybody has devices. It bounds the list, and what logging in for fun fills.
MOST: Final = 100

_COLUMNS: Final = "id, user_id, hash, name, created_at, last_used_at, expires_at"
_LIVE: Final = "revoked_at IS NULL AND expires_at > now()"

# FOR SHARE: a deletion (FOR UPDATE) comes before, and nothing is kept, or after, and takes the token with it.
_ADD_TOKEN: Final = f"""
INSERT INTO tokens (user_id, hash, name, expires_at, registered)
SELECT owner.id, %s, %s, now() + %s, %s
  FROM (SELECT id FROM users WHERE id = %s AND deleted_at IS NULL FOR SHARE) AS owner
RETURNING {_COLUMNS}
"""  # noqa: S608
_KEEP_FEW: Final = f"""
UPDATE tokens SET revoked_at = now()
 WHERE id IN (SELECT id FROM tokens WHERE user_id = %s AND {_LIVE}
               ORDER BY coalesce(last_used_at, created_at) DESC, id DESC OFFSET {MOST})
"""  # noqa: S608
_DROP_REGISTERED: Final = "DELETE FROM tokens WHERE user_id = %s AND registered"
_FIND_TOKEN: Final = f"""
SELECT {_COLUMNS} FROM tokens
 WHERE hash = %s AND {_LIVE} AND EXISTS (SELECT FROM users WHERE users.id = user_id AND deleted_at IS NULL)
"""  # noqa: S608
_OF: Final = f"SELECT {_COLUMNS} FROM tokens WHERE user_id = %s AND {_LIVE} ORDER BY id"  # noqa: S608
_REVOKE: Final = f"""
UPDATE tokens SET revoked_at = now() WHERE user_id = %s AND id = %s AND {_LIVE} RETURNING {_COLUMNS}
"""  # noqa: S608
# In the order of ids, as every worker locks them; most have written the same minute down already.
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
    """Keep a token within somebody's transaction. Raises NotFound (the user)."""
    row = await session.fetch_one(_ADD_TOKEN, new.hash, new.name, new.life, registered, user)
    if row is None:
        raise NotFound("user", user)
    return _token(row)


class Tokens:
    """The ``TokenStore`` of a deployment."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection."""
        self._postgres = postgres

    async def add(self, user: int, new: NewToken) -> Token:
        """Keep a new token; beyond the 100 of a user that were used last, revoke. Raises NotFound (the user)."""
        async with self._postgres.transaction() as session:
            token = await add_token(session, user, new)
            await session.execute(_KEEP_FEW, user)
            return token

    async def renew(self, user: int, new: NewToken) -> Token:
        """Keep a new token in place of the one that registering gave. Raises NotFound (the user)."""
        async with self._postgres.transaction() as session:
            await session.execute(_DROP_REGISTERED, user)
            return await add_token(session, user, new, registered=True)

    async def find(self, token_hash: bytes) -> Token | None:
        """Return the live token with this hash."""
        row = await self._postgres.fetch_one(_FIND_TOKEN, token_hash)
        return None if row is None else _token(row)

    async def of(self, user: int) -> Sequence[Token]:
        """Return a user's live tokens, by id."""
        return [_token(row) for row in await self._postgres.fetch(_OF, user)]

    async def revoke(self, user: int, ident: int) -> Token:
        """End a live token of a user; return what it was. Raises NotFound, also for another's."""
        row = await self._postgres.fetch_one(_REVOKE, user, ident)
        if row is None:
            raise NotFound("token", ident)
        return _token(row)

    async def note_used(self, times: Mapping[int, datetime]) -> None:
        """Write down when tokens were used last, unless a time less than a minute before is written down already."""
        await self._postgres.execute(_NOTE_USED, list(times), list(times.values()))

    async def sweep(self, limit: int) -> int:
        """Remove up to ``limit`` tokens that ended 30 days ago or earlier; return how many that were."""
        return await self._postgres.execute(_SWEEP, limit)


def _token(row: Row) -> Token:
    ident, user, token_hash, *rest = row
    return Token(ident, user, bytes(token_hash), *rest)
