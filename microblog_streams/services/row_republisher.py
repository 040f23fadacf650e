"""Makes rows in doubt certain: has the last events of their edges published again, as PostgreSQL has them.

A changelog record that came late (see ``delivery.doubts``) may be the changelog's last word on an edge, and an old one.
The event says what is true; whoever has the partition by now writes the row of an equal or higher version, and its
changelog record with it, so the last word is right again. The whole event is repeated, not the row alone: where a
recovery brought the old row back before this, the effect mends the follower's timeline too.

Nothing is asked for before this worker is a member of the group in good standing again: until then more records may
turn out late. And nothing is forgotten while PostgreSQL is away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from microblog_streams.aio.service import Service
from microblog_streams.delivery.stale_changelog_rows import StaleChangelogRows
from microblog_streams.domain.errors import Transient

logger = logging.getLogger(__name__)

#: Seconds between looks at what is in doubt.
INTERVAL = 0.5
#: Rows of one transaction.
BATCH = 500


class RowRepublisher(Service):
    """Restates what one worker has in doubt."""

    def __init__(
        self,
        doubts: StaleChangelogRows,
        republish: Callable[[Collection[bytes]], Awaitable[int]],
        in_good_standing: Callable[[], bool],
    ) -> None:
        """``republish`` takes the keys of rows, and returns how many of them have an event."""
        super().__init__()
        self._doubts = doubts
        self._republish = republish
        self._in_good_standing = in_good_standing
        self._busy = asyncio.Lock()

    async def restate(self) -> None:
        """Have all rows in doubt published again; those for which it fails stay in doubt."""
        async with self._busy:
            while keys := self._doubts.take(BATCH):
                try:
                    count = await self._republish(keys)
                except Exception as exc:
                    self._doubts.add(keys)
                    unexpected = None if isinstance(exc, Transient) else exc
                    logger.warning("rows_in_doubt count=%d reason=%s", len(self._doubts), exc, exc_info=unexpected)
                    return
                logger.warning("rows_restated count=%d events=%d", len(keys), count)

    async def on_stop(self) -> None:
        """Restate once more, also what was given up: records that are confirmed while the worker leaves are late."""
        self._doubts.over()
        await self.restate()

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            if self._doubts and self._in_good_standing():
                await self.restate()
            await self.sleep(INTERVAL)
