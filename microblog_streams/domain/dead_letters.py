"""``DeadLetter``: a record that could not be decoded, and its form in the topic ``dead.letters``.

The letter has the record's key and value (an absent one becomes empty). Its headers say where the record was, and why
it could not be decoded. The record's own headers are in one of them, ``headers``, as JSON with base64, because names
may repeat and values may be absent or any bytes. So a replay publishes exactly the record that was read.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

#: A record's headers as aiokafka gives them.
Headers = tuple[tuple[str, bytes | None], ...]

#: A longer reason is cut.
MAX_REASON_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One letter, at a ``partition`` and ``offset`` of ``dead.letters``.

    The ``source`` fields say where the record was read, as text; they are empty if the letter's headers lack them.
    """

    partition: int
    offset: int
    written_at: datetime
    source: str
    source_partition: str
    source_offset: str
    error: str
    first_failure: str
    key: bytes
    value: bytes
    headers: Headers

    @property
    def id(self) -> str:
        """``partition-offset``, as in 3-17."""
        return f"{self.partition}-{self.offset}"


def dead_letter_headers(
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
        "error": f"{type(reason).__name__}: {reason}"[:MAX_REASON_CHARACTERS],
        "first-failure": first_failure,
        "headers": _pack(headers),
    }


def parse_dead_letter(
    partition: int, offset: int, written_at: datetime, key: bytes | None, value: bytes | None, headers: Headers
) -> DeadLetter:
    """Return the letter in a record of ``dead.letters``; headers that are missing or damaged read as empty."""
    texts = {name: (value or b"").decode("utf-8", "replace") for name, value in headers}
    return DeadLetter(
        partition=partition,
        offset=offset,
        written_at=written_at,
        source=texts.get("topic", ""),
        source_partition=texts.get("partition", ""),
        source_offset=texts.get("offset", ""),
        error=texts.get("error", ""),
        first_failure=texts.get("first-failure", ""),
        key=key or b"",
        value=value or b"",
        headers=_unpack(texts.get("headers", "[]")),
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
