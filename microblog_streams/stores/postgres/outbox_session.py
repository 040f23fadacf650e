"""The relay's own session: it stands for election with it, is woken by it, reads the outbox and removes from it.

All of that on one session, because a record's id means something on the server that it was read from alone. The lead is
a session advisory lock, so PostgreSQL gives it to the next one as soon as the leader's session ends. A leader that
froze would keep its session: so the session must ping, and the server ends one that was silent for 5 s.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.models import OutboxRecord
from microblog_streams.stores.postgres import outbox
from microblog_streams.stores.postgres.connection import Lock, Postgres
from microblog_streams.stores.postgres.session import NAME, Session

#: Seconds of silence after which the server ends the session, and the lead with it.
SILENCE: Final = 5.0


class OutboxSession:
    """A session outside the pool. Its owner calls ``ping`` more often than every ``SILENCE`` seconds."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection; open nothing."""
        self._postgres = postgres
        self._session: Session | None = None
        #: A session takes one statement at a time, and pings go on beside the relay's own.
        self._turn = asyncio.Lock()

    @property
    def _open(self) -> Session:
        if self._session is None:
            raise StoreUnavailable(NAME, "the relay's session is not open")
        return self._session

    async def open(self) -> None:
        """Connect, and listen for new records."""
        self._session = await self._postgres.open()
        await self._session.execute("SELECT set_config('idle_session_timeout', %s, false)", str(int(SILENCE * 1000)))
        await self._session.execute("LISTEN outbox")

    async def elect(self) -> bool:
        """Try to become the leader; True until the session ends."""
        row = await self._open.fetch_one("SELECT pg_try_advisory_lock(%s)", int(Lock.RELAY))
        return row == (True,)

    async def ping(self) -> None:
        """Show the server that this process is alive, and see that the server is."""
        async with self._turn:
            await self._open.fetch_one("SELECT 1")

    async def head(self, limit: int) -> Sequence[OutboxRecord]:
        """Return the oldest records of the outbox, by id."""
        async with self._turn:
            return await outbox.head(self._open, limit)

    async def remove(self, ids: Collection[int]) -> None:
        """Delete records that the broker has confirmed: of those that this session read."""
        async with self._turn:
            await outbox.remove(self._open, ids)

    async def woken(self) -> None:
        """Return when records were committed."""
        await self._open.notified()

    async def close(self) -> None:
        """End the session, and the lead with it."""
        if self._session is not None:
            self._session.close()
            self._session = None
