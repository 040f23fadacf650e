"""The headers that answers may have: described once, referred to wherever they occur."""

from collections.abc import Iterable
from typing import Any, Final

Json = dict[str, Any]

#: Every header that an answer may be described with.
HEADERS: Final[Json] = {
    "X-Request-ID": {
        "description": "The request's name in logs and errors: the caller's own, or one of ours.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:+/=@-]{1,128}$"},
    },
    "Location": {
        "description": "The path of what was made.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Link": {
        "description": 'The pages around this one (RFC 8288): `rel="next"`, and `rel="prev"` on timelines. '
        "Absent where there are none.",
        "schema": {"type": "string"},
    },
    "ETag": {"description": "Names what the answer holds; for `If-None-Match`.", "schema": {"type": "string"}},
    "Timeline-State": {
        "description": "`incomplete`: posts may be missing between those of the page. Ask for it again.",
        "schema": {"type": "string", "enum": ["incomplete"]},
    },
    "Retry-After": {
        "description": "Seconds after which trying again is worth it.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {
        "description": "How to say who calls (RFC 6750).",
        "required": True,
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left of the budget that the call draws from: `r` requests, and more in `t` seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "What the budget is: `q` requests in `w` seconds, for each of the rates that hold at once.",
        "schema": {"type": "string"},
    },
    "Allow": {"description": "The methods that the path has.", "schema": {"type": "string"}},
}


def headers(names: Iterable[str]) -> Json:
    """Return these headers, and the one that every answer has."""
    found = [name for name in ("X-Request-ID", *names) if HEADERS[name]]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in found}
