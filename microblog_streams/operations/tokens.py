"""Tokens: giving, checking, listing and revoking them. Whose a token is stands in PostgreSQL, by the token's hash.

A worker remembers what it found for at most 30 seconds, counted from its question: so long may a revocation take on
another worker, and so long does PostgreSQL's absence not show. What was no token is remembered too, shortly and
apart from the good ones, so that made-up tokens neither reach PostgreSQL each time nor crowd the good ones out.
"""

import secrets
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from pydantic import SecretStr

from microblog_streams.aio.ttl_cache import TtlCache
from microblog_streams.domain.models import NewToken, Token
from microblog_streams.operations import validation
from microblog_streams.ports import TokenStore

#: Seconds that a worker goes by what it knows of a good token, and of one that is none.
GOOD_SECONDS: Final = 30.0
BAD_SECONDS: Final = 5.0
#: Tokens that a worker remembers of each kind: some 4 MB.
ROOM: Final = 10_000
#: Uses that are written down with one statement.
BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token, with the secret itself, which is nowhere else and will never be seen again."""

    token: Token
    secret: SecretStr


@dataclass(frozen=True)
class Tokens:
    """What the system does with tokens. ``life`` is how long a new one is good for."""

    store: TokenStore
    life: timedelta
    good: TtlCache[bytes, Token] = field(default_factory=lambda: TtlCache(ROOM, GOOD_SECONDS))
    bad: TtlCache[bytes, bool] = field(default_factory=lambda: TtlCache(ROOM, BAD_SECONDS))
    #: When tokens were used last that are to be written down.
    used: dict[int, datetime] = field(default_factory=dict)

    def describe(self, secret: SecretStr, name: str) -> NewToken:
        """Return what is kept of a new token. Raises Invalid (``name``)."""
        return NewToken(hashed(secret.get_secret_value()), validation.token_name(name), self.life)

    async def issue(self, user: int, name: str) -> Issued:
        """Give a user a token. Raises Invalid (``name``), NotFound (the user)."""
        secret = new()
        return Issued(await self.store.add(user, self.describe(secret, name)), secret)

    async def renew(self, user: int, name: str) -> Issued:
        """Give a user a token in place of the one that registering gave. Raises NotFound (the user)."""
        secret = new()
        token = await self.store.renew(user, self.describe(secret, name))
        self.forget(user)
        return Issued(token, secret)

    async def verify(self, text: str) -> Token | None:
        """Return the token where it is a good one. Raises StoreUnavailable where that cannot be known now."""
        if not well_formed(text):
            return None
        token_hash, now = hashed(text), datetime.now(UTC)
        token = self.good.get(token_hash) or await self._look_up(token_hash)
        if token is None or token.expires_at <= now:
            return None
        self.used[token.id] = now
        return token

    async def _look_up(self, token_hash: bytes) -> Token | None:
        if self.bad.get(token_hash):
            return None
        good, bad = self.good.begin_lookup(), self.bad.begin_lookup()
        token = await self.store.find(token_hash)
        if token is None or not compare_digest(token.hash, token_hash):
            self.bad.put(token_hash, True, bad)
            return None
        self.good.put(token_hash, token, good)
        return token

    async def of(self, user: int) -> Sequence[Token]:
        """Return a user's tokens, by id."""
        return await self.store.of(user)

    async def revoke(self, user: int, ident: int) -> None:
        """End a token of a user: here at once, on other workers within 30 s. Raises NotFound, also for another's."""
        revoked = await self.store.revoke(user, ident)
        self.good.invalidate(lambda token: token.id == revoked.id)

    def forget(self, user: int) -> None:
        """Have the next call of a user's tokens looked up again, on this worker."""
        self.good.invalidate(lambda token: token.user == user)

    async def note_used(self) -> None:
        """Write down when tokens were used since the last time. Raises StoreUnavailable: then it is for the next."""
        uses = list(self.used.items())
        for first in range(0, len(uses), BATCH):
            batch = uses[first : first + BATCH]
            await self.store.note_used(dict(batch))
            for ident, at in batch:
                if self.used.get(ident) == at:
                    del self.used[ident]


PREFIX: Final = "mb_"

_RANDOM_BYTES: Final = 32
_SUM_BYTES: Final = 4
#: 36 bytes fill 48 characters to the last bit, so there is one spelling of each.
_CHARACTERS: Final = len(PREFIX) + (_RANDOM_BYTES + _SUM_BYTES) * 4 // 3


def new() -> SecretStr:
    """Return a new token."""
    random = secrets.token_bytes(_RANDOM_BYTES)
    return SecretStr(PREFIX + urlsafe_b64encode(random + _checksum(random)).decode())


def well_formed(text: str) -> bool:
    """Tell whether it can be a token at all."""
    if len(text) != _CHARACTERS or not text.startswith(PREFIX):
        return False
    try:
        raw = urlsafe_b64decode(text.removeprefix(PREFIX))
    except (Error, ValueError):
        return False
    return raw[_RANDOM_BYTES:] == _checksum(raw[:_RANDOM_BYTES])


def hashed(text: str) -> bytes:
    """Return what is kept of a token."""
    return sha256(text.encode()).digest()


def _checksum(random: bytes) -> bytes:
    return zlib.crc32(random).to_bytes(_SUM_BYTES, "big")
