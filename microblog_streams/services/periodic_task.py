"""Small things that every worker does about once a minute, at moments of its own, and that nothing depends on.

Removing what is too old is one: batch by batch, so that no statement takes long or locks many. What one worker is at
is skipped by the others, and what was not swept yet counts for nothing all the same.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from microblog_streams.aio.backoff import jittered
from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import MicroblogError

logger = logging.getLogger(__name__)

#: Longest wait (seconds) between two times; the shortest is half of it.
INTERVAL: Final = 60.0
#: Rows that one statement removes.
BATCH: Final = 1_000


class PeriodicTask(Service):
    """Does its work again and again, for as long as the worker runs."""

    def __init__(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """``name`` is for the log. Work that raises is done at the next time."""
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
                # What is left undone for a while harms nobody, so whatever it is must not end the worker.
                logger.exception("chore_failed name=%s", self._name)
            await self.sleep(jittered(INTERVAL))


def sweeping(sweep: Callable[[int], Awaitable[int]]) -> Callable[[], Awaitable[None]]:
    """Return the work of removing all that is too old; ``sweep`` removes up to so many rows, and says how many."""

    async def sweep_all() -> None:
        while await sweep(BATCH) == BATCH:
            pass

    return sweep_all
