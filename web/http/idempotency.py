"""Idempotency-Key: a POST that carries one is done once, however often it comes. This is all that HTTP knows of it.

The header is what draft-ietf-httpapi-idempotency-key-header says, a quoted string of RFC 9651, or the same without the
quotes, as most clients send it: ``"7d0c1f"`` and ``7d0c1f`` are one key.
"""

import json
import re
from hashlib import sha256
from typing import Final

from aiohttp.web import Request

from microblog_streams.domain.errors import Invalid
from microblog_streams.domain.models import IdempotencyKey
from web.api.schemas import Body
from web.http.trailing_slash import canonical

HEADER: Final = "Idempotency-Key"

_QUOTED: Final = r'"((?:[!#-\[\]-~]|\\["\\]){%d,255})"'
_BARE: Final = r"[!#-~][!-~]{%d,254}"
_ESCAPED: Final = re.compile(r"\\(.)")


def once(request: Request, body: Body | None = None) -> IdempotencyKey | None:
    """Return what makes the request happen once, None where it has no key. Raises Invalid.

    ``body`` is what was read of it: spaces, the order of fields and a slash at the path's end make no other request.
    """
    values = request.headers.getall(HEADER, [])
    if not values:
        return None
    if len(values) > 1 or not (key := _key(values[0])):
        raise Invalid(HEADER, "must be one header of 1 to 255 visible ASCII characters, which may stand in quotes")
    return IdempotencyKey(key, digest(request.method, canonical(request.path), body))


def pattern(least: int) -> str:
    """Return the regular expression of a header whose key has at least this many characters."""
    return f"^({_QUOTED % least}|{_BARE % (least - 1)})$"


def digest(method: str, path: str, body: Body | None = None) -> bytes:
    """Return the hash of what a request asks for. A secret in it counts as one, whatever it is: hashes are kept."""
    meant = [method, path, body.model_dump(mode="json", exclude_none=True) if body else None]
    return sha256(json.dumps(meant).encode()).digest()


def _key(value: str) -> str | None:
    if quoted := re.fullmatch(_QUOTED % 1, value, re.ASCII):
        return _ESCAPED.sub(r"\1", quoted[1])
    return value if re.fullmatch(_BARE % 0, value, re.ASCII) else None
