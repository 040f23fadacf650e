"""A full disk under RocksDB, in our own words: an exception of no kind, whose text is the only sign of it.

Told as a store that is away, it is waited for like one, for as long as it takes. The changelog may hold a row by then
that the disk has not: its event is not acknowledged, and writes the row again.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from microblog_streams.domain.errors import StoreUnavailable

_FULL: Final = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))


@contextmanager
def room() -> Iterator[None]:
    """Raise StoreUnavailable where RocksDB finds no room on the disk."""
    try:
        yield
    except Exception as exc:
        if any(text in str(exc) for text in _FULL):
            raise StoreUnavailable("disk", exc) from exc
        raise
