"""Rebuilding a cold timeline, when somebody reads it: one builder at a time, beside the pushes that go on meanwhile.

The mark ``building`` lets pushes land from the first moment on, so nothing is missed between reading the posts and
writing the list. A follow or unfollow that takes effect meanwhile counts up the mark, and then the followees are read
again. A builder that died leaves its mark behind; whoever waited long enough takes it over.
"""

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic

from microblog_streams.operations.history import History
from microblog_streams.stores.interfaces import Building, TimelineStore

logger = logging.getLogger(__name__)

#: Seconds after which another's rebuild is thought dead: twice what one of 5,000 followees may take.
PATIENCE = 5.0
#: Seconds between looks at another's rebuild.
GLANCE = 0.02


@dataclass(frozen=True)
class Rebuild:
    """Turns cold timelines into warm ones."""

    timelines: TimelineStore
    history: History

    async def warm(self, user: int) -> None:
        """Return when the timeline is warm. Raises StoreUnavailable."""
        while True:
            building = await self.timelines.begin(user) or await self._wait(user)
            if building is None or await self._build(user, building):
                return

    async def _build(self, user: int, building: Building) -> bool:
        token, kept = building.token, self.timelines.kept
        while building.token == token:
            entries = await self.history.older(user, None, kept)
            if await self.timelines.finish(user, building, entries, complete=len(entries) < kept):
                logger.info("timeline_rebuilt user=%d entries=%d", user, len(entries))
                return True
            again = await self.timelines.building(user)
            if again is None:
                return False
            building = again
        return False

    async def _wait(self, user: int) -> Building | None:
        """Wait for another's rebuild; return a building mark that is ours by now, None where none is needed."""
        deadline = monotonic() + PATIENCE
        while (other := await self.timelines.building(user)) is not None:
            if monotonic() > deadline:
                logger.warning("timeline_rebuild_taken_over user=%d", user)
                return await self.timelines.begin(user, takeover=other.token)
            await asyncio.sleep(GLANCE)
        return None
