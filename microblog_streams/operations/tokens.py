"""Tokens: issued, verified, listed and revoked. PostgreSQL keeps them by their hash.

A token is ``mb_``, then 32 random bytes and their CRC-32, in base64url. A worker caches a valid token for 30 seconds
from the look-up: a revocation takes up to that long on other workers, and an outage of PostgreSQL is not noticed for
that long. Invalid tokens are cached too, in a cache of their own, so that invented tokens neither reach PostgreSQL each
time nor evict valid ones.
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

#: Seconds that a worker caches a valid token, and an invalid one.
GOOD_SECONDS: Final = 30.0
BAD_SECONDS: Final = 5.0
#: Tokens in each of the two caches: some 4 MB.
MAX_CACHED_TOKENS: Final = 10_000
#: Uses written with one statement.
BATCH_USES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token with its secret, which is stored nowhere."""

    token: Token
    secret: SecretStr


@dataclass(frozen=True)
class Tokens:
    """Use cases of tokens. ``life``: of a new one."""

    store: TokenStore
    life: timedelta
    good: TtlCache[bytes, Token] = field(default_factory=lambda: TtlCache(MAX_CACHED_TOKENS, GOOD_SECONDS))
    bad: TtlCache[bytes, bool] = field(default_factory=lambda: TtlCache(MAX_CACHED_TOKENS, BAD_SECONDS))
    #: The last use of each token, until it is written to the store.
    used: dict[int, datetime] = field(default_factory=dict)

    def describe(self, secret: SecretStr, name: str) -> NewToken:
        """Return the row of a new token. Raises Invalid (``name``)."""
        return NewToken(hashed(secret.get_secret_value()), validation.token_name(name), self.life)

    async def issue(self, user: int, name: str) -> Issued:
        """Issue a token to a user. Raises Invalid (``name``), NotFound (the user)."""
        secret = new()
        return Issued(await self.store.add(user, self.describe(secret, name)), secret)

    async def renew(self, user: int, name: str) -> Issued:
        """Replace the token that registration gave. Raises NotFound (the user)."""
        secret = new()
        token = await self.store.renew(user, self.describe(secret, name))
        self.forget(user)
        return Issued(token, secret)

    async def verify(self, text: str) -> Token | None:
        """Return the token, or None for an invalid one. Raises StoreUnavailable."""
        token_hash, now = hashed(text), datetime.now(UTC)
        token = self.good.get(token_hash)
        if token is None and well_formed(text):  # what is kept was well-formed when it was looked up
            token = await self._look_up(token_hash)
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
        """Revoke a user's token: here at once, on other workers within 30 s. NotFound, also for another user's."""
        revoked = await self.store.revoke(user, ident)
        self.good.invalidate(lambda token: token.id == revoked.id)

    def forget(self, user: int) -> None:
        """Drop a user's tokens from this worker's cache."""
        self.good.invalidate(lambda token: token.user == user)

    async def note_used(self) -> None:
        """Write the last uses to the store. Raises StoreUnavailable; they are kept for the next call then."""
        uses = list(self.used.items())
        for first in range(0, len(uses), BATCH_USES):
            batch = uses[first : first + BATCH_USES]
            await self.store.note_used(dict(batch))
            for ident, at in batch:
                if self.used.get(ident) == at:
                    del self.used[ident]


PREFIX: Final = "mb_"

_RANDOM_BYTES: Final = 32
_SUM_BYTES: Final = 4
#: 36 bytes fill 48 characters to the last bit, so each token has one spelling.
_CHARACTERS: Final = len(PREFIX) + (_RANDOM_BYTES + _SUM_BYTES) * 4 // 3


def new() -> SecretStr:
    """Return a new token."""
    random = secrets.token_bytes(_RANDOM_BYTES)
    return SecretStr(PREFIX + urlsafe_b64encode(random + _checksum(random)).decode())


def well_formed(text: str) -> bool:
    """Return whether the text has the form and checksum of a token."""
    if len(text) != _CHARACTERS or not text.startswith(PREFIX):
        return False
    try:
        raw = urlsafe_b64decode(text.removeprefix(PREFIX))
    except (Error, ValueError):
        return False
    return raw[_RANDOM_BYTES:] == _checksum(raw[:_RANDOM_BYTES])


def hashed(text: str) -> bytes:
    """Return the hash by which a token is stored; any text of a header has one."""
    return sha256(text.encode("utf-8", "surrogateescape")).digest()


def _checksum(random: bytes) -> bytes:
    return zlib.crc32(random).to_bytes(_SUM_BYTES, "big")
