"""Tokens and passwords: what PostgreSQL promises. Only hashes come here and go."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from microblog_streams.domain.models import Login, NewToken, Token


class TokenStore(Protocol):
    """Tokens, in PostgreSQL. One is live until it is revoked, expires, or its user is deleted."""

    async def add(self, user: int, new: NewToken) -> Token:
        """Keep a new token; beyond the 100 of a user that were used last, revoke. Raises NotFound (the user)."""
        ...

    async def renew(self, user: int, new: NewToken) -> Token:
        """Keep a new token in place of the one that registering gave. Raises NotFound (the user)."""
        ...

    async def find(self, token_hash: bytes) -> Token | None:
        """Return the live token with this hash."""
        ...

    async def of(self, user: int) -> Sequence[Token]:
        """Return a user's live tokens, by id."""
        ...

    async def revoke(self, user: int, ident: int) -> Token:
        """End a live token of a user; return what it was. Raises NotFound, also for another's."""
        ...

    async def note_used(self, times: Mapping[int, datetime]) -> None:
        """Write down when tokens were used last, unless a time less than a minute before is written down already."""
        ...

    async def sweep(self, limit: int) -> int:
        """Remove up to ``limit`` tokens that ended 30 days ago or earlier; return how many that were."""
        ...


class PasswordStore(Protocol):
    """Hashes of passwords, in PostgreSQL."""

    async def find(self, name_key: str) -> Login | None:
        """Return who has this name, with the password's hash; None where nobody has it."""
        ...

    async def get(self, user: int) -> str | None:
        """Return the hash of a user's password, None where there is none."""
        ...

    async def put(self, user: int, password_hash: str) -> None:
        """Write a password's hash in place of the former; nothing happens where the user has none (any more)."""
        ...
