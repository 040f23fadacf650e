"""Where a message ends in the bytes of a connection (RFC 9112, sections 2 and 6 to 9).

aiohttp's parser reads what comes, and says neither which bytes it took for which message, nor whether it is in the
middle of one. Time and size are counted by message, so what comes is cut here, and fed to the parser part by part: a
head to its empty line, a body to its end. The last byte of a body is a part of its own: the parser must not have ended
the body before that byte, and must have ended it with it. Where it disagrees, the handler closes the connection,
because bytes of a body would be read as a request, or the reverse (request smuggling).
"""

import re
from typing import Final, Protocol

from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.web import RequestPayloadError

from web.server.limits import MAX_CHUNK_LINE, MAX_CHUNKS, MAX_HEADERS, MAX_URL

#: Bytes of a head that are kept for as long as it is incomplete: a URL, and a browser's usual headers.
KEPT: Final = MAX_URL + 4_000

_END_OF_HEAD: Final = b"\r\n\r\n"
#: A chunk's size in at most 64 bits, and its extensions.
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;.*)?\r\n", re.DOTALL)
#: Decimal digits of 64 bits. Python's int() ends in an error above 4,300, and the parser takes any number of zeros.
_LENGTH: Final = re.compile(r"[0-9]{1,20}", re.ASCII)


class Unframed(BadHttpMessage):
    """The end of a body cannot be told, or not as the parser tells it."""


class TooManyChunks(Unframed, RequestPayloadError):
    """A body comes in more chunks than are read."""

    def __init__(self) -> None:
        """Say how many may be sent."""
        super().__init__(f"comes in more than {MAX_CHUNKS:,} chunks: send it in fewer")


class Part(Protocol):
    """A head, or a body."""

    @property
    def complete(self) -> bool:
        """Whether its last byte was taken."""
        ...

    def take(self, data: bytes) -> int:
        """Return how many bytes of what came next belong to it, at least one: all, or those up to its end.

        A body's last byte is returned by itself. Must not be called when complete. Raises Unframed.
        """
        ...


class Head:
    """A request's line and its headers."""

    __slots__ = ("_seam", "begin", "complete", "size")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.complete = False
        #: Bytes of it that came.
        self.size = 0
        #: The first of them.
        self.begin = b""
        self._seam = b""

    def take(self, data: bytes) -> int:
        """Take up to the first empty line, which may come in two parts."""
        joined = self._seam + data
        end = joined.find(_END_OF_HEAD)
        self.complete = end >= 0
        taken = len(data) if end < 0 else end + len(_END_OF_HEAD) - len(self._seam)
        self._seam = joined[-3:]
        self.begin += data[: min(taken, KEPT - len(self.begin))]
        self.size += taken
        return taken


class Length:
    """A body whose length was told."""

    __slots__ = ("_left",)

    def __init__(self, length: int) -> None:
        """Take the length in bytes."""
        self._left = length

    @property
    def complete(self) -> bool:
        """Whether nothing is left of it."""
        return self._left == 0

    def take(self, data: bytes) -> int:
        """Take what is left of it."""
        taken = min(max(self._left - 1, 1), len(data))
        self._left -= taken
        return taken


class Chunks:
    """A body that comes in chunks: lines that say a size, each with so many bytes behind it; 0, trailers, no line."""

    __slots__ = ("_ended", "_last", "_left", "_line", "_lines", "complete", "trailers")

    def __init__(self) -> None:
        """Begin with the line of the first size."""
        self._left = 0
        self._line = b""
        #: Sizes that were read, and behind the last chunk: trailers.
        self._lines = 0
        self._last = False
        #: Whether its last byte was seen.
        self._ended = False
        self.complete = False
        #: Whether there are header fields behind the last chunk.
        self.trailers = False

    def take(self, data: bytes) -> int:
        """Take up to the empty line behind the last chunk."""
        at = 0
        while at < len(data) and not self._ended:
            at = self._skip(data, at) if self._left else self._read_line(data, at)
        if not self._ended:
            return at
        self.complete = at <= 1
        return max(at - 1, 1)

    def _skip(self, data: bytes, at: int) -> int:
        step = min(self._left, len(data) - at)
        self._left -= step
        return at + step

    def _read_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at) + 1
        room = MAX_CHUNK_LINE + 1 - len(self._line)
        self._line += data[at : min(end or len(data), at + room)]
        if len(self._line) > MAX_CHUNK_LINE and not self._last:
            raise Unframed("a chunk's size has too many digits or too long an extension")
        if end:
            line, self._line = self._line, b""
            self._understand(line)
        return end or len(data)

    def _understand(self, line: bytes) -> None:
        self._lines += 1
        if self._last:
            self._ended = line == b"\r\n"
            self.trailers |= not self._ended
            if self._lines > MAX_HEADERS + 1:
                raise Unframed("there are too many trailers")
        elif self._lines > MAX_CHUNKS:
            raise TooManyChunks
        else:
            self._begin_chunk(line)

    def _begin_chunk(self, line: bytes) -> None:
        if not (found := _SIZE.fullmatch(line)):
            raise Unframed("a chunk's size is no hexadecimal number of at most 16 digits")
        size = int(found[1], 16)
        if size:
            self._left = size + 2
        else:
            self._last, self._lines = True, 0


def body_of(message: RawRequestMessage) -> Part:
    """Return the body that a request's headers announce, of length 0 where they announce none. Raises Unframed."""
    if message.chunked:
        return Chunks()
    length = message.headers.get("Content-Length", "0")
    if not _LENGTH.fullmatch(length):
        raise Unframed("Content-Length is no number of at most 20 digits")
    return Length(int(length))
