"""Limits of a connection. Those that an operator has reasons to change are settings; the others are constants here.

No limit may refuse what this API needs: the longest parts of a request are a cursor in the URL and a token in a header,
both below 200 bytes, and the largest answer is a page of 100 posts, at most 400 KB.
"""

import logging
import resource
import sys
from dataclasses import dataclass
from typing import Final, Self

from microblog_streams.config.settings import Settings

log = logging.getLogger(__name__)

#: Path and query; RFC 9110 recommends that servers accept 8,000 bytes. Must differ from ``MAX_HEADER_BYTES``: the
#: parser's error names only the limit that was exceeded (``early_responses.to_http_error``).
MAX_URL_BYTES: Final = 8_000
#: A header's name, and its value.
MAX_HEADER_BYTES: Final = 8_192
MAX_HEADERS: Final = 100
#: The request line and all headers.
MAX_HEAD_BYTES: Final = 32 * 1024
#: Chunks of a body, with the empty last one: 64 KiB in chunks of 64 bytes. A chunk costs the event loop 3 to 4 µs,
#: whatever its size, and all chunks of one read are parsed without a pause.
MAX_CHUNKS: Final = 1_024
#: The line with a chunk's size and extensions. Extensions are ignored; a proxy that signs chunks adds 90 bytes.
MAX_CHUNK_LINE_BYTES: Final = 128

#: How long an idle connection stays open: longer than the minute that is usual for proxies, so that the proxy closes
#: first and never sends a request into a connection that the worker is closing.
KEEP_ALIVE_SECONDS: Final = 75.0
#: How long the rest of a body is read and discarded after the request was answered, so that a client that is still
#: sending sees the answer instead of a reset.
LINGER_SECONDS: Final = 5.0
#: Connections that wait to be accepted. aiohttp's 128 would let the burst of one client keep others out.
BACKLOG_CONNECTIONS: Final = 1024
#: When the worker stops: how long it waits for bodies that are arriving, and then for the answers.
BODY_GRACE_SECONDS: Final = 1.0
SHUTDOWN_SECONDS: Final = 5.0
#: How long a refused connection stays open so that its client can read the reason, and how many may at once.
REJECTION_SECONDS: Final = 1.0
MAX_REJECTIONS: Final = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one server."""

    #: For the head of a request: from the first byte, or from the start of the connection, to the last header.
    head_seconds: float = 10.0
    #: For a client to read what waits to be sent.
    send_seconds: float = 30.0
    connections: int = 4096
    #: 0: no limit.
    connections_per_address: int = 256

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the limits of the settings, with no more connections than ``max_possible_connections``."""
        possible = max_possible_connections()
        if settings.max_connections > possible:
            log.warning("connections_bounded settings=%d possible=%d", settings.max_connections, possible)
        return cls(
            head_seconds=settings.head_timeout,
            connections=min(settings.max_connections, possible),
            connections_per_address=settings.max_connections_per_address,
        )


def max_possible_connections() -> int:
    """Return half of the files that this process may open; the other half is for RocksDB and the stores."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if files == resource.RLIM_INFINITY else files // 2
