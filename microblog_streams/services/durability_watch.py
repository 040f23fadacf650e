"""Asks the parts how they are, at the start and every few minutes, and keeps what cannot keep our promises."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import MicroblogError

logger = logging.getLogger(__name__)

#: Seconds between looks at what was well, and between tries where something did not answer.
INTERVAL: Final = 300.0
RETRY: Final = 15.0
UNKNOWN: Final = "promises_unknown part=%s reason=%s"

#: Returns a part's warnings. May raise MicroblogError.
Look = Callable[[], Awaitable[Sequence[str]]]


class DurabilityWatch(Service):
    """``warnings`` is what was found last, of every part that ever answered."""

    def __init__(self, looks: Mapping[str, Look]) -> None:
        """``looks``: how each part is asked, by its name."""
        super().__init__()
        self._looks = looks
        self._found: dict[str, Sequence[str]] = {}

    @property
    def warnings(self) -> Sequence[str]:
        """What cannot keep our promises, in words."""
        return [line for lines in self._found.values() for line in lines]

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            well = [await self._look(part) for part in self._looks]
            await self.sleep(INTERVAL if all(well) else RETRY)

    async def _look(self, part: str) -> bool:
        """Look at a part; return whether it told. One that does not tell is warned of until it has told once."""
        try:
            self._found[part] = await self._looks[part]()
        except MicroblogError as exc:
            # Its words go to the log alone: /health names no addresses.
            logger.log(logging.DEBUG if part in self._found else logging.WARNING, UNKNOWN, part, exc)
            self._found.setdefault(part, (f"{part}: it did not tell yet whether it keeps what it confirms",))
            return False
        except Exception:
            # A worker delivers without knowing this: whatever it is must not end it.
            logger.exception("promises_unknown part=%s", part)
            return False
        return True
