"""Whether there is room where the worker's tables are. A worker on a full disk writes no rows and goes no further than
the events that need them, so it says that it is not ready, in its log too, and starts only once there is room.

RocksDB itself goes on some five seconds after there is room again, and has lost nothing that it took.
"""

import logging
import shutil
from pathlib import Path
from typing import Final

from microblog_streams.aio.service import Service

logger = logging.getLogger(__name__)

#: Bytes that must be free: each partition's database takes some 10 MB ahead, for its log.
FREE: Final = 128 * 1024**2
#: Seconds between looks.
INTERVAL: Final = 1.0


class DiskWatch(Service):
    """Looks at the disk of one folder; what starts after it waits for room there."""

    def __init__(self, folder: Path) -> None:
        """Take the worker's folder, which is there once the worker starts."""
        super().__init__()
        self._folder = folder
        self._full = False

    @property
    def full(self) -> bool:
        """Whether there is too little room at this moment; logs when that begins and when it ends."""
        free = shutil.disk_usage(self._folder).free
        full = free < FREE
        if full and not self._full:
            logger.error("disk_full folder=%s free=%d needed=%d", self._folder, free, FREE)
        elif self._full and not full:
            logger.warning("disk_has_room folder=%s free=%d", self._folder, free)
        self._full = full
        return full

    async def on_start(self) -> None:
        """Wait for room: opening and recovering the tables would only fail."""
        while self.full and not self.should_stop:
            await self.sleep(INTERVAL)

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(INTERVAL)
            _ = self.full
