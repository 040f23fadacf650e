"""What a log line knows of its surroundings: the request, or the event, in whose context it was written.

Both are context variables, which tasks inherit; ``traces`` adds the ids of its spans. A request's id goes with its
events as a Kafka header, so that one ``grep`` for it finds the request, the event's publication, and its effects on
other workers.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol

from microblog_streams import traces
from microblog_streams.domain.events import HEADERS, Event

#: The Kafka header with the id of the request that an event comes from. An event may have none.
REQUEST_ID_HEADER: Final = "request-id"

#: The id of the request of this context, or empty. Tasks that a request starts inherit it.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_VALID: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")


def is_request_id(text: str) -> bool:
    """Return whether a text from outside is fit to be logged and sent as a request's id."""
    return _VALID.fullmatch(text) is not None


class Message(Protocol):
    """A record as Faust gives it."""

    topic: str
    partition: int
    offset: int


@dataclass(slots=True)
class EventContext:
    """The event that a worker applies: its record in Kafka, and what it comes from. Fields are made when they are asked
    for, as most events are never logged.
    """

    record: Message
    headers: Mapping[str, Any]
    #: None until the record is decoded.
    decoded: Event | None = None

    @property
    def request_id(self) -> str:
        """The id of the event's request; empty where the record names none."""
        return _text(self.headers.get(REQUEST_ID_HEADER))

    def fields(self) -> dict[str, object]:
        """Return the fields of a log line."""
        record = self.record
        ident = {"event_id": self.decoded.ident} if self.decoded else {}
        return {**ident, "topic": record.topic, "partition": record.partition, "offset": record.offset}

    def attributes(self) -> dict[str, str | int]:
        """Return the attributes of its span, as OpenTelemetry's conventions for Kafka name them."""
        return {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": self.record.topic,
            "messaging.destination.partition.id": str(self.record.partition),
            "messaging.kafka.offset": self.record.offset,
            "microblog.event_id": self.decoded.ident if self.decoded else "",
            "microblog.request_id": self.request_id,
        }


#: The event that this context applies.
event: ContextVar[EventContext | None] = ContextVar("event", default=None)


@contextmanager
def event_set(applied: EventContext) -> Iterator[None]:
    """Set the event within the block."""
    token = event.set(applied)
    try:
        yield
    finally:
        event.reset(token)


def fields() -> dict[str, object]:
    """Return the fields of a log line that is written now."""
    ident, applied = origin(), event.get()
    return {**({"request_id": ident} if ident else {}), **(applied.fields() if applied else {}), **traces.ids()}


def origin() -> str:
    """Return the id of the request that this context serves, or whose event it applies; empty without one."""
    applied = event.get()
    return request_id.get() or (applied.request_id if applied else "")


def event_headers() -> dict[str, str]:
    """Return the headers of an event that is published, or put into the outbox, in this context."""
    ident = origin()
    return {**HEADERS, **({REQUEST_ID_HEADER: ident} if ident else {}), **traces.headers()}


def _text(header: bytes | str | None) -> str:
    """Return a header's text; empty where it is no valid id, as programs of others may write to the topics."""
    text = header.decode("ascii", "replace") if isinstance(header, bytes) else header or ""
    return text if is_request_id(text) else ""
