"""Dead letters: how a record that cannot be read is written down, and read back as what it was.

A letter has the record's key and value (an absent one is empty, which reads alike), and headers that tell where the
record lay and why it is here. The record's own headers are one of these, ``headers``, as JSON with base64: names may
come twice, and values may be any bytes or absent. So a replay sends what was sent.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

#: A record's headers as Kafka has them.
Headers = tuple[tuple[str, bytes | None], ...]

#: Characters of a reason that a letter keeps.
REASON: Final = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One letter. ``partition`` and ``offset`` are its own, the ``source`` ones those of the record; "" is unknown."""

    partition: int
    offset: int
    buried_at: datetime
    source: str
    source_partition: str
    source_offset: str
    error: str
    first_failure: str
    key: bytes
    value: bytes
    headers: Headers

    @property
    def ident(self) -> str:
        """What people call it by."""
        return f"{self.partition}-{self.offset}"


def letter_headers(
    source: tuple[str, int, int],
    reason: Exception,
    first_failure: str,
    headers: Mapping[str, bytes] | Iterable[tuple[str, bytes | None]] | None,
) -> dict[str, str]:
    """Return a letter's headers; ``source`` is the record's topic, partition and offset, ``headers`` are its own."""
    topic, partition, offset = source
    return {
        "topic": topic,
        "partition": str(partition),
        "offset": str(offset),
        "error": f"{type(reason).__name__}: {reason}"[:REASON],
        "first-failure": first_failure,
        "headers": _pack(headers),
    }


def open_letter(
    partition: int, offset: int, buried_at: datetime, key: bytes | None, value: bytes | None, headers: Headers
) -> DeadLetter:
    """Return the letter that lies at a place, whoever wrote it."""
    told = {name: (text or b"").decode("utf-8", "replace") for name, text in headers}
    return DeadLetter(
        partition=partition,
        offset=offset,
        buried_at=buried_at,
        source=told.get("topic", ""),
        source_partition=told.get("partition", ""),
        source_offset=told.get("offset", ""),
        error=told.get("error", ""),
        first_failure=told.get("first-failure", ""),
        key=key or b"",
        value=value or b"",
        headers=_unpack(told.get("headers", "[]")),
    )


def _pack(headers: Mapping[str, bytes] | Iterable[tuple[str, bytes | None]] | None) -> str:
    pairs = headers.items() if isinstance(headers, Mapping) else headers or ()
    return json.dumps([(name, None if value is None else b64encode(value).decode()) for name, value in pairs])


def _unpack(packed: str) -> Headers:
    try:
        return tuple(
            (str(name), None if text is None else b64decode(text, validate=True)) for name, text in json.loads(packed)
        )
    except (ValueError, TypeError):
        return ()
