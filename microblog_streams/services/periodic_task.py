"""Small tasks that every worker repeats about once a minute, at random times, and on which nothing depends.

Deleting expired rows is one: batch by batch, so that no statement takes long or locks many rows. Workers skip rows that
another one is deleting, and expired rows that are still there count for nothing.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from microblog_streams.aio.backoff import jittered
from microblog_streams.aio.tasks import Service
from microblog_streams.domain.errors import MicroblogError

logger = logging.getLogger(__name__)

#: Longest pause between two runs; the shortest is half of it.
LONGEST_PAUSE_SECONDS: Final = 60.0
#: Rows that one statement deletes.
BATCH_ROWS: Final = 1_000


class PeriodicTask(Service):
    """Repeats a task for as long as the worker runs."""

    def __init__(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """``name`` is for the log. Work that raises is tried again after the next pause."""
        super().__init__()
        self._name = name
        self._work = work

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            try:
                await self._work()
            except MicroblogError as exc:
                logger.debug("chore_skipped name=%s reason=%s", self._name, exc)
            except Exception:
                # An exception would end the worker, and a task that is late does no harm.
                logger.exception("chore_failed name=%s", self._name)
            await self.sleep(jittered(LONGEST_PAUSE_SECONDS))


def sweeping(sweep: Callable[[int], Awaitable[int]]) -> Callable[[], Awaitable[None]]:
    """Return work that deletes all expired rows; ``sweep`` deletes up to a number of rows and returns how many."""

    async def sweep_all() -> None:
        while await sweep(BATCH_ROWS) == BATCH_ROWS:
            pass

    return sweep_all
