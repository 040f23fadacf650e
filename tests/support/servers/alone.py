"""Parts of the local stack that run alone, for tests that need one server and not all of them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from microblog_streams.local.options import load_local_settings
from microblog_streams.local.server import LocalServer
from microblog_streams.local.stack import Stack


@contextmanager
def serving(*parts: type[LocalServer]) -> Iterator[Stack]:
    """Start these parts, and nothing else, below a folder of their own, for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="microblog-test-"))
    try:
        with Stack(folder / "data", load_local_settings(), parts=parts) as stack:
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)
