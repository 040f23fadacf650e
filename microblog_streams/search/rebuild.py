"""Fills a new index from the stores while events go on flowing, and puts it in the place of the present one.

A rebuild creates the next index first. From then on the indexer writes to both, so the new one lacks nothing that is
written while it is filled; versions make it unimportant which of the two writes of a document comes first. Before the
posts are read, the workers must have stored what the indexer has read so far: a post that is accepted while Cassandra
is away, or whose request ended before its answer, is stored by the fan-out alone, which may be behind the indexer. The
deletions of the present index are copied: topics have no common order, so the creation of what they delete may still
come. Then the alias is switched in one step. A rebuild that was interrupted goes on where it was: the index notes how
far it has got.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic, time
from typing import Final
from uuid import UUID

from microblog_streams.aio.failures import pauses
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import post_millis
from microblog_streams.domain.models import User
from microblog_streams.operations.posts import UNSTORED_SECONDS
from microblog_streams.ports import PostStore, ProfileStore, Progress, UserStore
from microblog_streams.search.documents import Kind, Write, deleted_post, deleted_user, post_write, user_write
from microblog_streams.search.engine_admin import IndexAdmin, NextIndex
from microblog_streams.search.engine_index import TARGETS_SECONDS, EngineIndex
from microblog_streams.search.index import Rejected

#: Posts or users of one page, hence of one bulk request.
PAGE: Final = 1_000
#: Pages between two notes of how far a rebuild has got.
_PAGES_PER_NOTE: Final = 10
#: Seconds in which every indexer has read anew which indices there are.
_GRACE_SECONDS: Final = TARGETS_SECONDS + 1.0
#: A row may be read before a change that has an earlier time is committed: its document is this much older.
_COMMIT_DELAY: Final = timedelta(seconds=10)

Send = Callable[[Sequence[Write]], Awaitable[Sequence[Exception | None]]]


@dataclass
class Sources:
    """The stores from which documents are made, page by page.

    Suspended users have documents like all others, which a search leaves out as it reads the users: the document of a
    deleted user is above every later one, and a suspended user may be restored.
    """

    posts: PostStore
    users: UserStore
    profiles: ProfileStore

    async def pages(self, kind: Kind, after: str | None) -> AsyncIterator[tuple[str, Sequence[Write]]]:
        """Yield pages of documents with their last id, from behind ``after`` on."""
        if kind is Kind.POSTS:
            position = UUID(after) if after else None
            while posts := await self.posts.scan(position, PAGE):
                position = posts[-1].id
                yield str(position), [post_write(post) for post in posts]
        else:
            last = int(after or 0)
            while users := await self._users(last):
                last = users[-1][0].id
                yield str(last), await self._documents(users)

    async def present(self, kind: Kind, ids: Sequence[str]) -> Sequence[Write]:
        """Return the documents of these as the stores have them now: a deletion where they have none.

        A post that is so young that it may wait to be stored is left out.
        """
        if kind is Kind.POSTS:
            posts = await self.posts.get_many([UUID(ident) for ident in ids])
            missing = [ident for ident in map(UUID, ids) if ident not in posts and not _may_be_accepted(ident)]
            return [*map(post_write, posts.values()), *map(deleted_post, missing)]
        at = datetime.now(UTC) - _COMMIT_DELAY
        users = await self.users.undeleted([int(ident) for ident in ids])
        gone = [user for user in map(int, ids) if user not in users]
        there = await self._documents([(user, max(at, user.created_at)) for user in users.values()])
        return [*there, *map(deleted_user, gone)]

    async def _documents(self, users: Sequence[tuple[User, datetime]]) -> list[Write]:
        followers = await self.profiles.followers([user.id for user, _ in users])
        return [user_write(user, at, max(0, followers.get(user.id, 0))) for user, at in users]

    async def _users(self, after: int) -> list[tuple[User, datetime]]:
        at = datetime.now(UTC) - _COMMIT_DELAY
        ids = await self.users.ids(after, PAGE)
        users = await self.users.undeleted(ids) if ids else {}
        return [(users[user], max(at, users[user].created_at)) for user in ids if user in users]


def _may_be_accepted(post_id: UUID) -> bool:
    return time() - post_millis(post_id) / 1_000 < UNSTORED_SECONDS


@dataclass
class Rebuild:
    """Makes new indices. Run it again after an interruption."""

    index: EngineIndex
    sources: Sources
    progress: Progress
    #: Waits until the workers have brought about all events of this moment.
    until_applied: Callable[[], Awaitable[None]]
    #: Documents a second; 0: as many as there can be.
    rate: int = 0
    grace_seconds: float = _GRACE_SECONDS

    async def run(self, kind: Kind, keep: bool, total: int | None = None) -> int:
        """Fill and switch; return the number of documents that this run has written. ``keep``: the old index stays.

        Raises Rejected, RebuildOvertaken, StoreUnavailable of the stores; waits for the engine without limit.
        """
        admin = IndexAdmin(self.index)
        target = await admin.begin(kind)
        await self._until_stored(kind)
        await self._copy_deletions(admin, target)
        self.progress.step(f"{kind}: {target.name}", total)
        written = await self._fill(admin, target)
        old = await admin.switch(target)
        self.progress.step(f"{kind}: {target.name} is in use")
        await asyncio.sleep(self.grace_seconds)
        if not keep:
            await admin.delete(old)
        return written

    async def _until_stored(self, kind: Kind) -> None:
        """Wait until every indexer writes to the new index as well, and the stores have what was read before that.

        Users are in PostgreSQL before their event.
        """
        await asyncio.sleep(self.grace_seconds)
        if kind is Kind.POSTS:
            self.progress.step("posts on their way: until the workers have stored them")
            await self.until_applied()

    async def _copy_deletions(self, admin: IndexAdmin, target: NextIndex) -> None:
        await admin.refresh(target.kind)
        async for deletions in admin.deletions(target.kind):
            await write_all(lambda writes: admin.fill(target, writes), deletions)

    async def _fill(self, admin: IndexAdmin, target: NextIndex) -> int:
        written, began_at, number = 0, monotonic(), 0
        async for last, page in self.sources.pages(target.kind, target.after):
            await write_all(lambda writes: admin.fill(target, writes), [one for one in page if one.fields])
            written, number = written + len(page), number + 1
            self.progress.update(written)
            if number % _PAGES_PER_NOTE == 0:
                await admin.note(target, last)
            if self.rate:
                await asyncio.sleep(max(0.0, began_at + written / self.rate - monotonic()))
        return written


async def write_all(send: Send, writes: Sequence[Write]) -> None:
    """Write all of them, however long the engine is away. Raises Rejected."""
    for pause in pauses():
        try:
            outcomes = await send(writes) if writes else ()
        except StoreUnavailable as exc:
            outcomes = [exc] * len(writes)
        for outcome in outcomes:
            if isinstance(outcome, Rejected):
                raise outcome
        writes = [write for write, outcome in zip(writes, outcomes, strict=True) if outcome is not None]
        if not writes:
            return
        await asyncio.sleep(pause)
