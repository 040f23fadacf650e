"""How much one client may have of a worker. What an operator has reasons to change is in the settings; the rest here.

No limit may cut off what this API asks for: a request's longest parts are a cursor in the URL and a token in a header,
both below 200 bytes, and its largest answer is a page of 100 posts, 400 KB at most.
"""

import logging
import resource
import sys
from dataclasses import dataclass
from typing import Final, Self

from microblog_streams.config.settings import Settings

log = logging.getLogger(__name__)

#: Bytes of a URL, path and query, as RFC 9110 wants everybody to take. Told from a header's by the number alone: see
#: ``refusals``.
MAX_URL: Final = 8_000
#: Bytes of a header's name, and of its value.
MAX_HEADER: Final = 8_192
#: Headers of a request.
MAX_HEADERS: Final = 100
#: Bytes of all of them.
MAX_HEAD: Final = 32 * 1024
#: Chunks of a body, the last, which is empty, included: 64 KiB in chunks of 64 bytes. A chunk costs the event loop
#: 3 to 4 µs, however small it is, and what came in one read is read in one go.
MAX_CHUNKS: Final = 1_024
#: Bytes of the line that says a chunk's size, with its extensions: we read none, and a proxy that signs chunks adds 90.
MAX_CHUNK_LINE: Final = 128

#: Seconds for which a connection between two requests is kept: more than the minute for which proxies keep theirs, so
#: that it is they who close, and none sends a request into a connection that ends.
KEEP_ALIVE: Final = 75.0
#: Seconds for which the rest of a body is read and thrown away after its request was answered, so that a client that is
#: still sending sees the answer and not a reset.
LINGER: Final = 5.0
#: Connections that wait to be accepted: more than aiohttp's 128, so that a burst of one client keeps no other out.
BACKLOG: Final = 1024
#: Seconds that bodies on their way have when the worker stops, and then the requests under way.
ARRIVE: Final = 1.0
FINISH: Final = 5.0
#: Seconds for which a connection that was refused stays, so that its client can read why.
FAREWELL: Final = 1.0
#: How many of them may.
MAX_FAREWELLS: Final = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one server: times in seconds, numbers of connections."""

    #: For the head of a request: from the first byte, or from the connection's begin, to its last header.
    head: float = 10.0
    #: For a client to take what waits to be sent.
    send: float = 30.0
    connections: int = 4096
    #: 0: no limit.
    connections_per_address: int = 256

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings say, and no more connections than the process can have."""
        most = affordable()
        if settings.max_connections > most:
            log.warning("connections_bounded settings=%d possible=%d", settings.max_connections, most)
        return cls(
            head=settings.head_timeout,
            connections=min(settings.max_connections, most),
            connections_per_address=settings.max_connections_per_address,
        )


def affordable() -> int:
    """Return half of the files that this process may open: the rest is for its tables and the stores."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if most == resource.RLIM_INFINITY else most // 2
