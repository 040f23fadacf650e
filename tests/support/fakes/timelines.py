"""The timelines in memory, written as plainly as the rules can be said: what a list holds is always worked out anew."""

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import entry_author, entry_post_id
from microblog_streams.ports import Building, Check, TimelinePage, TimelineState
from microblog_streams.ports.live import Change
from microblog_streams.stores.redis.timelines import KEPT_ENTRIES, SLACK_DIVISOR
from tests.support.fakes.live import FakeLiveLog


@dataclass
class Kept:
    """One timeline that is not cold: entries newest first, and its state."""

    state: TimelineState
    entries: list[bytes] = field(default_factory=list)
    building: Building | None = None


class FakeTimelines:
    """The TimelineStore in memory. ``lists`` is open to tests; while ``down`` every call raises StoreUnavailable."""

    def __init__(self, kept: int = KEPT_ENTRIES) -> None:
        self.lists: dict[int, Kept] = {}
        self.down = False
        self.run = "first"
        self.kept = kept
        self.live = FakeLiveLog()

    async def create(self, user: int, deadline: float | None = None) -> bool:
        self._get(user)
        if _late(deadline):
            return False
        if self.lists.pop(user, None) is None:
            self.lists[user] = Kept(TimelineState.COMPLETE)
        return True

    async def push(
        self,
        users: Sequence[int],
        entry: bytes,
        deadline: float | None = None,
        low_priority: bool = False,
        check: Check | None = None,
    ) -> int:
        if len(entry) != 24:
            raise ValueError("an entry has 24 bytes")
        if _late(deadline):
            raise StoreUnavailable("redis", "too late")
        taken = [user for user in users if self._push(self._get(user), entry)]
        for user in taken:
            self.live.write(user, Change.POST, entry)
        return len(taken)

    async def older(self, user: int, before: UUID | None, limit: int) -> TimelinePage:
        if (kept := self._get(user)) is None:
            return TimelinePage(TimelineState.COLD, ())
        below = [entry for entry in kept.entries if before is None or entry_post_id(entry) < before]
        return TimelinePage(kept.state, below[:limit])

    async def newer(self, user: int, after: UUID, limit: int) -> TimelinePage:
        kept = self._get(user)
        if kept is None or (kept.state is TimelineState.PARTIAL and after < entry_post_id(kept.entries[-1])):
            return TimelinePage(TimelineState.COLD, ())
        above = [entry for entry in kept.entries if entry_post_id(entry) > after]
        return TimelinePage(kept.state, above[max(len(above) - limit, 0) :])

    async def merge(self, user: int, entries: Sequence[bytes], deadline: float | None = None) -> bool:
        kept = self._get(user)
        if _late(deadline):
            return False
        if kept is None:
            return True
        floor, before = kept.entries[-1] if kept.state is TimelineState.PARTIAL else b"", kept.entries
        kept.entries = self._newest(kept.entries, entries, floor)
        self._unsettle(user, before)
        if kept.state is TimelineState.COMPLETE and len(kept.entries) == self.kept:
            kept.state = TimelineState.PARTIAL
        _count(kept)
        return True

    async def purge(self, user: int, author: int, deadline: float | None = None) -> bool:
        kept = self._get(user)
        if _late(deadline):
            return False
        if kept is None:
            return True
        before = kept.entries
        kept.entries = [entry for entry in kept.entries if entry_author(entry) != author]
        self._unsettle(user, before)
        _count(kept)
        if kept.state is TimelineState.PARTIAL and not kept.entries:
            del self.lists[user]
        return True

    async def begin(self, user: int, takeover: bytes | None = None) -> Building | None:
        kept, token = self._get(user), secrets.token_bytes(16)
        if kept is None:
            kept = self.lists[user] = Kept(TimelineState.BUILDING, building=Building(token, 0))
        elif kept.building is not None and kept.building.token == takeover:
            kept.building = replace(kept.building, token=token)
        else:
            return None
        return kept.building

    async def renew(self, user: int, building: Building) -> Building | None:
        kept = self._get(user)
        if kept is None or kept.building is None or kept.building.token != building.token:
            return None
        token = secrets.token_bytes(16)
        kept.building = replace(kept.building, token=token)
        return replace(building, token=token)

    async def building(self, user: int) -> Building | None:
        kept = self._get(user)
        return kept.building if kept else None

    async def finish(self, user: int, building: Building, entries: Sequence[bytes], complete: bool) -> bool:
        kept = self._get(user)
        if not entries and not complete:
            raise ValueError("no entries are either the whole history or say nothing of it")
        if kept is None or kept.building != building:
            return False
        before = kept.entries
        kept.entries = self._newest(kept.entries, entries, b"" if complete else min(entries))
        self._unsettle(user, before)
        kept.state = TimelineState.COMPLETE if complete and len(kept.entries) < self.kept else TimelineState.PARTIAL
        kept.building = None
        return True

    async def remove(self, user: int) -> None:
        self._get(user)
        self.lists.pop(user, None)

    async def warm(self, users: Sequence[int]) -> Sequence[bool]:
        return [self._get(user) is not None for user in users]

    async def run_id(self) -> str:
        self._get(0)
        return self.run

    def _get(self, user: int) -> Kept | None:
        if self.down:
            raise StoreUnavailable("redis", "switched off by the test")
        return self.lists.get(user)

    def _unsettle(self, user: int, before: list[bytes]) -> None:
        if self.lists[user].entries != before:
            self.live.write(user, Change.RESET)

    def _push(self, kept: Kept | None, entry: bytes) -> bool:
        if kept is None or entry in kept.entries or (kept.state is TimelineState.PARTIAL and entry < kept.entries[-1]):
            return False
        kept.entries = sorted([*kept.entries, entry], reverse=True)
        if len(kept.entries) > self.kept + self.kept // SLACK_DIVISOR:
            kept.entries = kept.entries[: self.kept]
            kept.state = TimelineState.PARTIAL if kept.state is TimelineState.COMPLETE else kept.state
        return True

    def _newest(self, kept: Iterable[bytes], added: Iterable[bytes], floor: bytes) -> list[bytes]:
        return sorted((entry for entry in {*kept, *added} if entry >= floor), reverse=True)[: self.kept]


def _late(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline


def _count(kept: Kept) -> None:
    if kept.building is not None:
        kept.building = replace(kept.building, changes=kept.building.changes + 1)
