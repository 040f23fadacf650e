"""``Idempotency-Key``: a POST with a key takes effect once, however often it is repeated. This is its HTTP side.

The header is that of draft-ietf-httpapi-idempotency-key-header, a quoted string of RFC 9651, or the same without
quotes, as most clients send it: ``"7d0c1f"`` and ``7d0c1f`` are one key.
"""

import json
import re
from hashlib import sha256
from typing import Final

from aiohttp.web import Request

from microblog_streams.domain.errors import Invalid
from microblog_streams.domain.models import IdempotencyKey
from web.http.body import RequestModel
from web.http.params import canonical

HEADER: Final = "Idempotency-Key"

_QUOTED: Final = r'"((?:[!#-\[\]-~]|\\["\\]){%d,255})"'
_BARE: Final = r"[!#-~][!-~]{%d,254}"
_ESCAPED: Final = re.compile(r"\\(.)")


def idempotency_key(request: Request, body: RequestModel | None = None) -> IdempotencyKey | None:
    """Return the request's key, None without the header. Raises Invalid.

    ``body`` is the validated body: white space, the order of fields and a slash at the path's end do not make the
    request a different one.
    """
    values = request.headers.getall(HEADER, [])
    if not values:
        return None
    if len(values) > 1 or not (key := _parse(values[0])):
        raise Invalid(HEADER, "must be a single header of 1 to 255 visible ASCII characters, optionally in quotes")
    return IdempotencyKey(key, request_digest(request.method, canonical(request.path), body))


def key_pattern(min_length: int) -> str:
    """Return the regular expression of a header whose key has at least ``min_length`` characters."""
    return f"^({_QUOTED % min_length}|{_BARE % (min_length - 1)})$"


def request_digest(method: str, path: str, body: RequestModel | None = None) -> bytes:
    """Return the SHA-256 of a request. Secrets are left out (pydantic masks them), because digests are stored."""
    content = [method, path, body.model_dump(mode="json", exclude_none=True) if body else None]
    return sha256(json.dumps(content).encode()).digest()


def _parse(value: str) -> str | None:
    if quoted := re.fullmatch(_QUOTED % 1, value, re.ASCII):
        return _ESCAPED.sub(r"\1", quoted[1])
    return value if re.fullmatch(_BARE % 0, value, re.ASCII) else None
