"""Checks at the start and every few minutes whether Kafka and Cassandra keep what they confirm.

The durability checks compare their settings with what the guarantees need (``cluster_status.durability_checks``).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.errors import MicroblogError

logger = logging.getLogger(__name__)

#: Seconds between two checks, and between tries while Kafka or Cassandra does not answer.
CHECK_SECONDS: Final = 300.0
RETRY_SECONDS: Final = 15.0
UNKNOWN: Final = "promises_unknown part=%s reason=%s"

#: Returns the warnings of one store. May raise MicroblogError.
Check = Callable[[], Awaitable[Sequence[str]]]


class DurabilityWatch(Service):
    """``warnings`` has the last result of every store that ever answered."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        """``checks`` maps a store's name to its durability check."""
        super().__init__()
        self._checks = checks
        self._found: dict[str, Sequence[str]] = {}

    @property
    def warnings(self) -> Sequence[str]:
        """What keeps the stores from their guarantees, as text."""
        return [line for lines in self._found.values() for line in lines]

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            well = [await self._check(part) for part in self._checks]
            await self.sleep(CHECK_SECONDS if all(well) else RETRY_SECONDS)

    async def _check(self, part: str) -> bool:
        """Check one store; return whether it answered. One that never answered has a warning of its own."""
        try:
            self._found[part] = await self._checks[part]()
        except MicroblogError as exc:
            # The reason goes to the log only: /health must not show addresses.
            logger.log(logging.DEBUG if part in self._found else logging.WARNING, UNKNOWN, part, exc)
            self._found.setdefault(part, (f"{part}: it did not tell yet whether it keeps what it confirms",))
            return False
        except Exception:
            # An exception would end the worker, which can deliver events without this check.
            logger.exception("promises_unknown part=%s", part)
            return False
        return True
