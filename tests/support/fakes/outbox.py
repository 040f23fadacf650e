"""The outbox in memory, and the session that a relay leads with."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.models import OutboxRecord
from tests.support.fakes.database import FakeDatabase


class FakeOutbox:
    """The relay's side of a fake database's outbox."""

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database
        #: How often the oldest records were read.
        self.looks = 0

    async def head(self, limit: int) -> Sequence[OutboxRecord]:
        self.database.check()
        self.looks += 1
        records = [record for _, record in sorted(self.database.outbox.items())][:limit]
        return [replace(record, generations=self.database.generations) for record in records]

    async def remove(self, ids: Collection[int]) -> None:
        self.database.check()
        for ident in ids:
            self.database.outbox.pop(ident, None)

    async def count(self, limit: int = 100_000) -> int:
        self.database.check()
        return min(limit, len(self.database.outbox))

    async def newest(self) -> int:
        self.database.check()
        return max(self.database.outbox, default=0)

    async def oldest(self) -> int | None:
        self.database.check()
        return min(self.database.outbox, default=None)

    async def age(self) -> float | None:
        self.database.check()
        return 0.0 if self.database.outbox else None


class FakeElection:
    """Who leads: at most one session at a time. ``depose`` ends the leader's session, as a crash of it would."""

    def __init__(self, outbox: FakeOutbox) -> None:
        self.outbox = outbox
        self.database = outbox.database
        self.leader: FakeSession | None = None
        self.sessions = 0

    def session(self) -> "FakeSession":
        return FakeSession(self)

    def depose(self) -> None:
        assert self.leader is not None
        self.leader.lost = True
        self.leader = None


class FakeSession:
    """A session of the relay on a fake database."""

    def __init__(self, election: FakeElection) -> None:
        self.election = election
        self.lost = False

    async def open(self) -> None:
        self.election.database.check()
        self.election.sessions += 1

    async def head(self, limit: int) -> Sequence[OutboxRecord]:
        await self.ping()
        return await self.election.outbox.head(limit)

    async def remove(self, ids: Collection[int]) -> None:
        await self.ping()
        await self.election.outbox.remove(ids)

    async def elect(self) -> bool:
        await self.ping()
        if self.election.leader is None:
            self.election.leader = self
        return self.election.leader is self

    async def ping(self) -> None:
        self.election.database.check()
        if self.lost:
            raise StoreUnavailable("postgres", "the session is gone")

    async def woken(self) -> None:
        await self.election.database.changed.wait()
        self.election.database.changed.clear()

    async def close(self) -> None:
        if self.election.leader is self:
            self.election.leader = None
