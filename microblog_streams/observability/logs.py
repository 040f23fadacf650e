"""Logs that help at 3 a.m.: a line names the request that it is about.

Libraries that repeat themselves while a part is away say each thing once in a while.
"""

import logging
from contextvars import ContextVar
from time import monotonic

#: Libraries that log the same line for every try, several times a second.
CHATTY = ("aiokafka", "kafka", "asyncio")
#: Seconds for which the same line of the same place is not repeated.
QUIET = 10.0


#: The id of the request that is served in this context; empty where none is. Tasks that a request begins inherit it.
request_id: ContextVar[str] = ContextVar("request_id", default="")


class OfRequest(logging.Filter):
    """Adds the request's id to each record, in ``data``, which Faust's formatters write at the end of the line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything through."""
        if ident := request_id.get():
            record.data = {**getattr(record, "data", {}), "request": ident}
        return True


class Repeats(logging.Filter):
    """Lets a place's line through once in ``QUIET`` seconds, whatever its arguments are."""

    def __init__(self) -> None:
        """Start with nothing said."""
        super().__init__()
        self._said: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is news."""
        place, now = (record.pathname, record.lineno), monotonic()
        if now - self._said.get(place, -QUIET) < QUIET:
            return False
        self._said[place] = now
        return True


def name_requests() -> None:
    """Have every line name its request. A filter of handlers, because a logger's is not asked for its children."""
    for handler in logging.root.handlers:
        handler.addFilter(OfRequest())


def quieten() -> None:
    """Set the levels and filters of the libraries. A filter holds for one logger, so each module's gets its own."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in CHATTY:
            logging.getLogger(name).addFilter(Repeats())
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
