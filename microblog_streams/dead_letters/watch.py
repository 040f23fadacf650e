"""Keeps how many dead letters are open, by a look every few seconds, for whoever asks how the worker is."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import MicroblogError
from microblog_streams.ports import DeadLetterReader

logger = logging.getLogger(__name__)

#: Seconds between looks, and between tries to connect.
INTERVAL: Final = 5.0


class DeadLetterWatch(Service):
    """``open`` is what was counted last; None before the first look, and while Kafka or PostgreSQL is away."""

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[DeadLetterReader]],
        count: Callable[[DeadLetterReader], Awaitable[int]],
    ) -> None:
        """``connect`` lends a connection to the letters, ``count`` those that are open."""
        super().__init__()
        self.open: int | None = None
        self._connect = connect
        self._count = count

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            try:
                async with self._connect() as box:
                    await self._look(box)
            except MicroblogError as exc:
                logger.debug("dead_letters_unknown reason=%s", exc)
            except Exception:
                # A worker delivers without knowing this number: whatever it is must not end it.
                logger.exception("dead_letters_unknown")
            self.open = None
            await self.sleep(INTERVAL)

    async def _look(self, box: DeadLetterReader) -> None:
        while not self.should_stop:
            self.open = await self._count(box)
            await self.sleep(INTERVAL)
