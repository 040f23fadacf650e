"""Where a message ends in the bytes of a connection (RFC 9112, sections 2 and 6 to 9).

aiohttp's parser reads what comes, and says neither which bytes it took for which message, nor whether it is in the
middle of one. Time and size are counted by message, so what comes is cut here, and fed to the parser part by part: a
head to its empty line, a body to its end. Nothing is decided here: whether a message is complete, and whether it is one
at all, the parser says.
"""

from typing import Final, Protocol

from aiohttp.http import RawRequestMessage

from web.edge.limits import MAX_URL

#: Bytes of a head that are kept for as long as it is incomplete: a URL, and a browser's usual headers.
KEPT: Final = MAX_URL + 4_000

_END_OF_HEAD: Final = b"\r\n\r\n"
#: Bytes of a line that tell all that is asked of it: the hexadecimal digits of any size, or that it is empty.
_LINE: Final = 32


class Part(Protocol):
    """A head, or a body."""

    def take(self, data: bytes) -> int:
        """Return how many bytes of what came next belong to it: all, or those up to its end."""
        ...


class Head:
    """A request's line and its headers."""

    __slots__ = ("_seam", "begin", "size")

    def __init__(self) -> None:
        """Begin with nothing."""
        #: Bytes of it that came.
        self.size = 0
        #: The first of them.
        self.begin = b""
        self._seam = b""

    def take(self, data: bytes) -> int:
        """Take up to the first empty line, which may come in two parts."""
        joined = self._seam + data
        end = joined.find(_END_OF_HEAD)
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

    def take(self, data: bytes) -> int:
        """Take what is left of it; where the parser wants more, that too."""
        taken = min(self._left, len(data)) or len(data)
        self._left -= taken
        return taken


class Chunks:
    """A body that comes in chunks: lines that say a size, each with so many bytes behind it; 0, trailers, no line."""

    __slots__ = ("_complete", "_last", "_left", "_line", "trailers")

    def __init__(self) -> None:
        """Begin with the line of the first size."""
        self._left = 0
        self._line = b""
        self._last = False
        self._complete = False
        #: Whether there are header fields behind the last chunk.
        self.trailers = False

    def take(self, data: bytes) -> int:
        """Take up to the empty line behind the last chunk; where the parser wants more, that too."""
        at = 0
        while at < len(data) and not self._complete:
            at = self._skip(data, at) if self._left else self._read_line(data, at)
        return at or len(data)

    def _skip(self, data: bytes, at: int) -> int:
        step = min(self._left, len(data) - at)
        self._left -= step
        return at + step

    def _read_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at) + 1
        self._line = (self._line + data[at : min(end or len(data), at + _LINE)])[:_LINE]
        if end:
            line, self._line = self._line, b""
            self._understand(line)
        return end or len(data)

    def _understand(self, line: bytes) -> None:
        if self._last:
            self._complete = line == b"\r\n"
            self.trailers |= not self._complete
            return
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:  # the parser refuses it
            size = 0
        self._last = size == 0
        self._left = size + 2 if size else 0


def body_of(message: RawRequestMessage) -> Part:
    """Return the body of a request that has one."""
    return Chunks() if message.chunked else Length(int(message.headers.get("Content-Length", "0")))
