"""An event under way, and reading it: from raw bytes to a model, or to the reason why it never can be one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from faust.types import EventT
from pydantic import ValidationError

from microblog_streams.delivery.lease import PartitionLease
from microblog_streams.domain.errors import MicroblogError
from microblog_streams.domain.events import SCHEMA, Event

E = TypeVar("E", bound=Event)

Work = Callable[[], Awaitable[None]]


@dataclass(eq=False)
class InFlightEvent:
    """One event under way. ``done_at`` is when its effect finished, ``run`` the run of Redis in which it began."""

    event: EventT[bytes]
    lease: PartitionLease
    work: Work
    run: int = 0
    done_at: float | None = None
    task: asyncio.Task[None] | None = None


class UndecodableEvent(MicroblogError):
    """The record can never be read: it goes to dead.letters."""


class Unknown(MicroblogError):
    """The record is of a newer schema than this code knows: good for the code that comes after an upgrade."""


def read(model: type[E], key: bytes | None, value: bytes | None, headers: Mapping[str, Any]) -> E:
    """Return the event. Raises UndecodableEvent (header, JSON, shape or key is wrong) and Unknown (newer schema)."""
    if (schema := _schema(headers)) > SCHEMA:
        raise Unknown(f"schema {schema} is newer than {SCHEMA}, which this worker knows")
    try:
        event = model.model_validate_json(value or b"")
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "value"
        raise UndecodableEvent(f"{where}: {first['msg']}") from None
    if key != event.key:
        raise UndecodableEvent(f"key: not that of user {event.owner}, to whom the event belongs")
    return event


def _schema(headers: Mapping[str, Any]) -> int:
    raw = headers.get("schema", b"1")
    try:
        return int(raw.decode("ascii") if isinstance(raw, bytes) else raw)
    except (ValueError, AttributeError, TypeError):
        raise UndecodableEvent("header schema: not a number") from None
