"""Compares a random user's timeline with the truth every few seconds, and has a wrong one rebuilt.

Delivery loses and invents nothing, so ``repaired`` stays 0; this is the proof of it in production. A wrong timeline is
made cold, and the next read rebuilds it from PostgreSQL and Cassandra; a post that is missing in the author index is
written there first. The log line has the ids that are needed to find the cause. An audit has no result where the truth
cannot be known: a store is unavailable, or events stay in flight for long.
"""

import logging
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Final

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.errors import MicroblogError
from microblog_streams.operations.audit import Audit, Findings, WaitUntilCaughtUp, counted

logger = logging.getLogger(__name__)

#: Users drawn until one of them has a timeline.
MAX_DRAWS: Final = 10
#: Findings that are logged with their ids.
MAX_LOGGED: Final = 10


class Reconciler(Service):
    """Audits one user after the other, for as long as the worker runs."""

    def __init__(
        self,
        audit: Audit,
        draw: Callable[[], Awaitable[int | None]],
        wait_until_caught_up: WaitUntilCaughtUp,
        interval: float,
    ) -> None:
        """``draw`` returns a random user; ``interval`` is the number of seconds between two audits, 0 for none."""
        super().__init__()
        self.checked = self.repaired = 0
        self._audit = audit
        self._draw = draw
        self._wait_until_caught_up = wait_until_caught_up
        self._interval = interval

    async def reconcile(self) -> None:
        """Audit a random user; where the timeline is wrong, make it cold. Raises MicroblogError."""
        for _ in range(MAX_DRAWS):
            user = await self._draw()
            if user is not None and (findings := await self._audit.compare(user)) is not None:
                findings = await self._audit.confirmed(user, findings, self._wait_until_caught_up)
                self.checked += 1
                if findings:
                    await self._repair(user, findings)
                return

    async def _repair(self, user: int, findings: Findings) -> None:
        await self._audit.repair(user, findings)
        self.repaired += 1
        counts = " ".join(f"{kind}={count}" for kind, count in counted(findings).items())
        named = ",".join(f"{each.kind}:{each.post_id}:{each.author}" for each in islice(sorted(findings), MAX_LOGGED))
        logger.error("timeline_repaired user=%d %s posts=%s", user, counts, named)

    @Service.task
    async def _run(self) -> None:
        while self._interval and not self.should_stop:
            await self.sleep(self._interval)
            try:
                await self.reconcile()
            except MicroblogError as exc:
                logger.info("audit_skipped reason=%s", exc)
            except Exception:
                logger.exception("audit_failed")
