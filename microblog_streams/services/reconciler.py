"""Looks at somebody's timeline every few seconds, and has what is wrong rebuilt: rather see than trust.

Delivery loses and invents nothing, so ``repaired`` stays 0, and that it does is the proof of it in production. A
timeline that is wrong is made cold, and the next read rebuilds it from PostgreSQL and Cassandra; a post that the
author's index does not know is written there first. The log line has the ids by which to find out why. Nothing is
found where it cannot be known: a store is away, or events are on their way for long.
"""

import logging
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Final

from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import MicroblogError
from microblog_streams.operations.timelines.audit import Audit, Findings, Settle, counted

logger = logging.getLogger(__name__)

#: People drawn until one of them has a timeline that is kept.
DRAWS: Final = 10
#: Findings that are logged with their ids.
NAMED: Final = 10


class Reconciler(Service):
    """Audits one person after the other, for as long as the worker runs."""

    def __init__(
        self, audit: Audit, draw: Callable[[], Awaitable[int | None]], settle: Settle, interval: float
    ) -> None:
        """``draw`` names somebody at random; ``interval`` is the seconds between two audits, 0 for none at all."""
        super().__init__()
        self.checked = self.repaired = 0
        self._audit = audit
        self._draw = draw
        self._settle = settle
        self._interval = interval

    async def reconcile(self) -> None:
        """Audit somebody; where their timeline is wrong, make it cold. Raises MicroblogError."""
        for _ in range(DRAWS):
            user = await self._draw()
            if user is not None and (findings := await self._audit.look(user)) is not None:
                findings = await self._audit.confirmed(user, findings, self._settle)
                self.checked += 1
                if findings:
                    await self._repair(user, findings)
                return

    async def _repair(self, user: int, findings: Findings) -> None:
        await self._audit.mend(user, findings)
        self.repaired += 1
        counts = " ".join(f"{kind}={count}" for kind, count in counted(findings).items())
        named = ",".join(f"{each.kind}:{each.post_id}:{each.author}" for each in islice(sorted(findings), NAMED))
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
