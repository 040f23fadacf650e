"""Folds lines that repeat: a broker that is away makes its client log the same line several times a second.

The first ``LINES`` lines of one place in the code pass in a period of ``PERIOD_SECONDS``. Those after them are counted,
and at the period's end one line tells how many there were, with the same event and level. Lines of level DEBUG pass:
each is another step of an event's way, and they are on only while an operator looks.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock, Timer
from time import monotonic
from typing import Final

from microblog_streams.logs.lines import is_event

LINES: Final = 10
PERIOD_SECONDS: Final = 60.0
#: Places that are remembered; a worker has some hundreds of lines.
MAX_PLACES: Final = 4096


@dataclass
class _Period:
    """The lines of one place since ``began`` (``monotonic``)."""

    began: float
    lines: int = 0
    folded: int = 0


def start_timer(seconds: float, call: Callable[[], None]) -> None:
    """Call after so many seconds, in a thread: lines come from threads without an event loop, too."""
    timer = Timer(seconds, call)
    timer.daemon = True
    timer.start()


class RepeatFilter(logging.Filter):
    """Passes lines that do not repeat. To be added to a handler: a logger's filters do not see its children's lines."""

    def __init__(self, after: Callable[[float, Callable[[], None]], None] = start_timer) -> None:
        """``after`` calls a function after so many seconds."""
        super().__init__()
        self._after = after
        self._lock = Lock()
        self._periods: dict[tuple[str, str, int], _Period] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line passes; otherwise it is counted."""
        if record.levelno <= logging.DEBUG or hasattr(record, "repeated"):
            return True
        with self._lock:
            period = self._period((record.name, record.pathname, record.lineno))
            period.lines += 1
            if period.lines <= LINES:
                return True
            period.folded += 1
            first = period.folded == 1
        if first:
            self._after(PERIOD_SECONDS - (monotonic() - period.began), lambda: self._tell(period, record))
        return False

    def _period(self, where: tuple[str, str, int]) -> _Period:
        now = monotonic()
        period = self._periods.get(where)
        if period is None or now - period.began >= PERIOD_SECONDS:
            if len(self._periods) >= MAX_PLACES:
                self._periods.clear()
            period = self._periods[where] = _Period(now)
        return period

    def _tell(self, period: _Period, record: logging.LogRecord) -> None:
        """Log how many lines like ``record`` were folded."""
        with self._lock:
            repeated, period.folded = period.folded, 0
        told = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None, "repeated": repeated})
        if is_event(str(record.msg)):
            told.msg, told.args = str(record.msg).partition(" ")[0], ()
        logging.getLogger(record.name).handle(told)
