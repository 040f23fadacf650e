"""Counts the open dead letters every few seconds, for ``/health`` and the metrics."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import MicroblogError
from microblog_streams.ports import DeadLetterReader

logger = logging.getLogger(__name__)

#: Pause between counts, and between attempts to connect.
INTERVAL_SECONDS: Final = 5.0


class DeadLetterWatch(Service):
    """``open`` is the last count; None before the first, and while Kafka or PostgreSQL does not answer."""

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[DeadLetterReader]],
        count: Callable[[DeadLetterReader], Awaitable[int]],
    ) -> None:
        """``connect`` opens a reader of ``dead.letters``; ``count`` returns how many letters are open."""
        super().__init__()
        self.open: int | None = None
        self._connect = connect
        self._count = count

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            try:
                async with self._connect() as reader:
                    await self._count_repeatedly(reader)
            except MicroblogError as exc:
                logger.debug("dead_letters_unknown reason=%s", exc)
            except Exception:
                # A worker can deliver without this number, so no error here may stop it.
                logger.exception("dead_letters_unknown")
            self.open = None
            await self.sleep(INTERVAL_SECONDS)

    async def _count_repeatedly(self, reader: DeadLetterReader) -> None:
        while not self.should_stop:
            self.open = await self._count(reader)
            await self.sleep(INTERVAL_SECONDS)
