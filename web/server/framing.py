"""Where a message ends in the bytes of a connection (RFC 9112, sections 2 and 6 to 9).

aiohttp's parser does not say which bytes it took for which message, nor whether it is in the middle of one. Deadlines
and sizes are limits of a message, so the bytes are split here and fed to the parser part by part: a head up to its
empty line, a body up to its end. The last byte of a body is a part of its own: the parser must not have ended the body
before that byte, and must have ended it with it. Where it disagrees, the handler closes the connection, because bytes
of a body could be read as a request, or the reverse (request smuggling).
"""

import re
from typing import Final, Protocol

from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage

from web.http.body import TooManyChunks
from web.server.limits import MAX_CHUNK_LINE_BYTES, MAX_CHUNKS, MAX_HEADERS, MAX_URL_BYTES

#: How much of an incomplete head is kept: a URL and a browser's usual headers.
KEPT_HEAD_BYTES: Final = MAX_URL_BYTES + 4_000

_END_OF_HEAD: Final = b"\r\n\r\n"
#: A chunk's size in at most 64 bits, and its extensions.
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;.*)?\r\n", re.DOTALL)
#: The decimal digits of 64 bits. The parser accepts any number of zeros; Python's int() fails above 4,300 digits.
_CONTENT_LENGTH: Final = re.compile(r"[0-9]{1,20}", re.ASCII)


class FramingError(BadHttpMessage):
    """The end of a message is unclear, or the parser sees it elsewhere."""


class MessagePart(Protocol):
    """The head or the body of a message."""

    @property
    def complete(self) -> bool:
        """Whether its last byte was consumed."""
        ...

    def consume(self, data: bytes) -> int:
        """Return how many of the next bytes belong to the part, at least one: all, or those up to its end.

        The last byte of a body is returned by itself. Must not be called when complete. Raises FramingError,
        TooManyChunks.
        """
        ...


class RequestHead:
    """A request line with its headers."""

    __slots__ = ("_seam", "complete", "prefix", "size")

    def __init__(self) -> None:
        """Start before the first byte."""
        self.complete = False
        #: Bytes that were consumed.
        self.size = 0
        #: The first ``KEPT_HEAD_BYTES`` of them.
        self.prefix = b""
        #: The last three of them: the empty line may be split.
        self._seam = b""

    def consume(self, data: bytes) -> int:
        """Consume up to the first empty line."""
        joined = self._seam + data
        end = joined.find(_END_OF_HEAD)
        self.complete = end >= 0
        consumed = len(data) if end < 0 else end + len(_END_OF_HEAD) - len(self._seam)
        self._seam = joined[-3:]
        self.prefix += data[: min(consumed, KEPT_HEAD_BYTES - len(self.prefix))]
        self.size += consumed
        return consumed


class FixedLengthBody:
    """A body with a ``Content-Length``."""

    __slots__ = ("_left",)

    def __init__(self, length: int) -> None:
        """``length`` is in bytes."""
        self._left = length

    @property
    def complete(self) -> bool:
        """Whether all bytes were consumed."""
        return self._left == 0

    def consume(self, data: bytes) -> int:
        """Consume what is left of the length."""
        consumed = min(max(self._left - 1, 1), len(data))
        self._left -= consumed
        return consumed


class ChunkedBody:
    """A body in chunks: each is a line with its size, and so many bytes; size 0, trailers and an empty line end it."""

    __slots__ = ("_ended", "_in_trailers", "_left", "_line", "_lines", "complete", "has_trailers")

    def __init__(self) -> None:
        """Start before the line of the first size."""
        #: Bytes that are left of the current chunk.
        self._left = 0
        #: What was read of an incomplete line.
        self._line = b""
        #: Size lines that were read; after the last chunk, trailers.
        self._lines = 0
        self._in_trailers = False
        #: Whether the last byte was seen.
        self._ended = False
        self.complete = False
        self.has_trailers = False

    def consume(self, data: bytes) -> int:
        """Consume up to the empty line after the last chunk."""
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
        allowed = MAX_CHUNK_LINE_BYTES + 1 - len(self._line)
        self._line += data[at : min(end or len(data), at + allowed)]
        if len(self._line) > MAX_CHUNK_LINE_BYTES and not self._in_trailers:
            raise FramingError("the line of a chunk's size is too long")
        if end:
            line, self._line = self._line, b""
            self._parse_line(line)
        return end or len(data)

    def _parse_line(self, line: bytes) -> None:
        self._lines += 1
        if self._in_trailers:
            self._ended = line == b"\r\n"
            self.has_trailers |= not self._ended
            if self._lines > MAX_HEADERS + 1:
                raise FramingError("the body has too many trailers")
        elif self._lines > MAX_CHUNKS:
            raise TooManyChunks(MAX_CHUNKS)
        else:
            self._begin_chunk(line)

    def _begin_chunk(self, line: bytes) -> None:
        if not (found := _CHUNK_SIZE.fullmatch(line)):
            raise FramingError("a chunk's size is not a hexadecimal number of at most 16 digits")
        size = int(found[1], 16)
        if size:
            self._left = size + 2
        else:
            self._in_trailers, self._lines = True, 0


def expected_body(message: RawRequestMessage) -> MessagePart:
    """Return the body that a request's headers announce, of length 0 if they announce none. Raises FramingError."""
    if message.chunked:
        return ChunkedBody()
    length = message.headers.get("Content-Length", "0")
    if not _CONTENT_LENGTH.fullmatch(length):
        raise FramingError("Content-Length is not a number of at most 20 digits")
    return FixedLengthBody(int(length))
