"""Logs that help at 3 a.m.: libraries that repeat themselves while a part is away say each thing once in a while."""

import logging
from time import monotonic

#: Libraries that log the same line for every try, several times a second.
CHATTY = ("aiokafka", "kafka", "asyncio")
#: Seconds for which the same line of the same place is not repeated.
QUIET = 10.0


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


def quieten() -> None:
    """Set the levels and filters of the libraries. A filter holds for one logger, so each module's gets its own."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in CHATTY:
            logging.getLogger(name).addFilter(Repeats())
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
