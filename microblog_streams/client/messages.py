"""One request and one answer, as plain values: what the rest of the client works with, whoever carries them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

KEY: Final = "Idempotency-Key"
#: Marks a page of a timeline that may lack posts.
STATE, INCOMPLETE = "Timeline-State", "incomplete"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. ``path`` begins with a slash and may have a query; ``body`` is sent as JSON."""

    method: str
    path: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether a page that may lack posts is asked for again, as one that is not there would be.
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever it is. ``headers`` are found in any case of their names."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def incomplete(self) -> bool:
        """Tell whether it is a page that may lack posts."""
        return self.headers.get(STATE) == INCOMPLETE


def post(path: str, body: object = None) -> Request:
    """Return a POST with a key of its own: however often it is sent, it is done once."""
    return Request("POST", path, body, {KEY: str(uuid4())})
