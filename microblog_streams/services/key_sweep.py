"""Removes Idempotency-Keys that are older than a day: batch by batch, so that no statement takes long or locks many.

Every worker sweeps, at moments of its own; what one is at is skipped by the others. Nothing depends on when it happens:
a key that is too old counts as new, swept or not.
"""

import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from microblog_streams.errors import MicroblogError
from microblog_streams.services.service import Service

logger = logging.getLogger(__name__)

#: Longest wait (seconds) between sweeps; the shortest is half of it.
INTERVAL: Final = 60.0
#: Keys of one statement.
BATCH: Final = 1_000


class KeySweep(Service):
    """Sweeps for as long as the worker runs."""

    def __init__(self, sweep: Callable[[int], Awaitable[int]]) -> None:
        """``sweep`` removes up to so many keys, and returns how many there were."""
        super().__init__()
        self._sweep = sweep

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            try:
                await self._sweep_all()
            except MicroblogError as exc:
                logger.debug("key_sweep_skipped reason=%s", exc)
            except Exception:
                # Keys that stay for longer harm nobody, so whatever it is must not end the worker.
                logger.exception("key_sweep_failed")
            await self.sleep(random.uniform(INTERVAL / 2, INTERVAL))  # noqa: S311 - jitter, not a secret

    async def _sweep_all(self) -> None:
        while await self._sweep(BATCH) == BATCH and not self.should_stop:
            pass
