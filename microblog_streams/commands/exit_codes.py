"""How every command fails: one line that says what is wrong, and an exit status; a traceback is for bugs."""

from collections.abc import Iterator
from contextlib import contextmanager

from microblog_streams.config.settings import stop_with
from microblog_streams.domain.errors import MicroblogError, SetupError


@contextmanager
def expected_failures() -> Iterator[None]:
    """End the process with the error's line where the block raises one of our own."""
    try:
        yield
    except MicroblogError as exc:
        stop_with(exc if isinstance(exc, SetupError) else SetupError(str(exc)))
