"""An event between its reading and its acknowledgement, and decoding it from the bytes of its record."""

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

Effect = Callable[[], Awaitable[None]]


@dataclass(eq=False)
class InFlightEvent:
    """An event that was read and is not acknowledged yet."""

    event: EventT[bytes]
    lease: PartitionLease
    effect: Effect
    #: The run of Redis in which the effect began (``RedisRestartMonitor.run``).
    run: int = 0
    #: When the effect finished (``monotonic``).
    done_at: float | None = None
    task: asyncio.Task[None] | None = None


class UndecodableEvent(MicroblogError):
    """The record can never be decoded; it becomes a dead letter."""


class UnknownSchema(MicroblogError):
    """The record has a newer schema than this worker knows; a newer version will decode it."""


def decode(model: type[E], key: bytes | None, value: bytes | None, headers: Mapping[str, Any]) -> E:
    """Return a record's event.

    Raises UndecodableEvent where header, JSON, fields or key are wrong, and UnknownSchema for a newer schema.
    """
    if (schema := _schema(headers)) > SCHEMA:
        raise UnknownSchema(f"schema {schema} is newer than {SCHEMA}, which this worker knows")
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
