"""The lines that a worker would write, for tests without one."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from microblog_streams.logs import output
from microblog_streams.logs.repeats import RepeatFilter


class Log:
    """What was written so far."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def text(self) -> str:
        return self.stream.getvalue()

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines in JSON."""
        return [json.loads(line) for line in self.text().splitlines()]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines()]


@contextmanager
def logged(
    name: str = "", level: str = "INFO", personal: bool = False, as_json: bool = True, folded: bool = False
) -> Iterator[Log]:
    """Write the lines of a logger, and of those below it, to the log of the block; ``folded``: without repeats."""
    log, logger = Log(), logging.getLogger(name)
    handler = logging.StreamHandler(log.stream)
    handler.setFormatter(output.formatter(as_json, False, personal))
    if folded:
        handler.addFilter(RepeatFilter(lambda seconds, call: None))
    before = logger.level
    logger.setLevel(level)
    logger.addHandler(handler)
    try:
        yield log
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
