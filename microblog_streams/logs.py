"""Log filters: every line names its request, and libraries do not repeat the same line many times a second."""

import logging
from contextvars import ContextVar
from time import monotonic

#: Libraries that log the same line for every retry, several times a second.
REPEATING_LIBRARIES = ("aiokafka", "kafka", "asyncio")
#: Seconds for which a line of the same place in the code is not repeated.
QUIET_SECONDS = 10.0

#: The id of the request of this context, or empty. Tasks that a request starts inherit it.
request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestIdFilter(logging.Filter):
    """Adds the request's id to ``data`` of each record, which Faust's formatters write at the end of the line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id; drop nothing."""
        if ident := request_id.get():
            record.data = {**getattr(record, "data", {}), "request": ident}
        return True


class RepeatFilter(logging.Filter):
    """Passes a line of one place in the code once in ``QUIET_SECONDS``, whatever its arguments are."""

    def __init__(self) -> None:
        """Start without a history."""
        super().__init__()
        self._logged_at: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record's place has not logged for ``QUIET_SECONDS``."""
        place, now = (record.pathname, record.lineno), monotonic()
        if now - self._logged_at.get(place, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        self._logged_at[place] = now
        return True


def log_request_ids() -> None:
    """Filter in the handlers of the root logger: a filter of the logger itself does not see its children's records."""
    for handler in logging.root.handlers:
        handler.addFilter(RequestIdFilter())


def quieten_libraries() -> None:
    """Set levels and filters of libraries. A filter applies to one logger, so each module's logger gets one."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in REPEATING_LIBRARIES:
            logging.getLogger(name).addFilter(RepeatFilter())
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
