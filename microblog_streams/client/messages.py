"""Requests and responses as plain values, so that all of the client but ``transport`` works without a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode
from uuid import uuid4

KEY_HEADER: Final = "Idempotency-Key"
#: The header, and its value on a page of a timeline that may lack posts.
STATE_HEADER, INCOMPLETE = "Timeline-State", "incomplete"


@dataclass(frozen=True, slots=True)
class Request:
    """A request. ``path`` begins with a slash and may have a query; ``body`` is sent as JSON."""

    method: str
    path: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: If true, a page that may lack posts is not accepted: the request is repeated, as after a 503.
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Response:
    """A response of any status. ``headers`` ignores case, if it comes from aiohttp."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def incomplete(self) -> bool:
        """Whether this is a page of a timeline that may lack posts."""
        return self.headers.get(STATE_HEADER) == INCOMPLETE


def post(path: str, body: object = None) -> Request:
    """Return a POST with a new Idempotency-Key: the server executes it once, however often it is sent."""
    return Request("POST", path, body, {KEY_HEADER: str(uuid4())})


def path(*parts: object, **query: object) -> str:
    """Return ``/part/part?name=value``; an empty last part makes a slash at the end.

    Parts are percent-encoded, so a part that contains a slash or ``..`` leads nowhere else.
    """
    target = "/" + "/".join(quote(str(part), safe="", errors="replace") for part in parts)
    return f"{target}?{urlencode(query, errors='replace')}" if query else target
