"""Tells the workers once more what PostgreSQL holds: every edge, also those that were undone, and every deletion.

It goes through the outbox, as all edges do, in pages, and waits between them while the outbox is full: what people do
meanwhile stands in line behind at most so many events. Edges are told of as they are when their page is read; one that
changes later has an event of a higher version.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from microblog_streams.commands.progress_bar import Report
from microblog_streams.ports import FollowStore, Outbox

#: Events of one page, hence of one transaction.
PAGE: Final = 2_000
#: Events that wait in the outbox from which on no more are added.
FULL: Final = 4_000
#: Seconds between looks at a full outbox.
GLANCE: Final = 0.2


class DeletedUsers(Protocol):
    """What is asked of ``stores.users.Users``."""

    async def restate_deleted(self, after: int, limit: int) -> Sequence[tuple[int, datetime]]:
        """Publish the events of a page of deleted users again; return the page."""
        ...


@dataclass(frozen=True)
class Restatement:
    """One run over everything. Interrupted, it can be begun again: a repeat changes nothing."""

    follows: FollowStore
    users: DeletedUsers
    outbox: Outbox
    report: Report

    async def edges(self, total: int | None = None) -> int:
        """Publish every edge; return how many there are. Raises StoreUnavailable."""
        self.report.step("edges", total)
        done, last = 0, (0, 0)
        await self._room()
        while page := await self.follows.restate(last, PAGE):
            last = (page[-1].followee, page[-1].follower)
            done += len(page)
            self.report.at(done)
            await self._room()
        return done

    async def deletions(self) -> int:
        """Publish every deletion of a user; return how many there are. Raises StoreUnavailable."""
        self.report.step("deleted users")
        done, last = 0, 0
        await self._room()
        while page := await self.users.restate_deleted(last, PAGE):
            last = page[-1][0]
            done += len(page)
            self.report.at(done)
            await self._room()
        return done

    async def _room(self) -> None:
        while True:
            if await self.outbox.count(FULL) < FULL:
                return
            await asyncio.sleep(GLANCE)
