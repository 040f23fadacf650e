"""Tokens as people hold them: ``mb_``, then 32 random bytes and a checksum over them, in base64url.

By the prefix, those who scan repositories and logs for secrets find one that got there. By the checksum one that was
cut off or mistyped is told without asking a store. It is no secret: whoever makes tokens up gets past it, to nothing.
"""

import secrets
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256
from typing import Final

from pydantic import SecretStr

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
