"""The relay's own session: it stands for election with it, and is woken by it.

The lead is a session advisory lock, so PostgreSQL gives it to the next one as soon as the leader's session ends. A
leader that froze would keep its session: so the session must ping, and the server ends one that was silent for 5 s.
"""

from typing import Final

from microblog_streams.errors import StoreUnavailable
from microblog_streams.stores.postgres import Lock, Postgres
from microblog_streams.stores.postgres_session import NAME, Session

#: Seconds of silence after which the server ends the session, and the lead with it.
SILENCE: Final = 5.0


class OutboxSession:
    """A session outside the pool. Its owner calls ``ping`` more often than every ``SILENCE`` seconds."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection; open nothing."""
        self._postgres = postgres
        self._session: Session | None = None

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
        await self._open.fetch_one("SELECT 1")

    async def woken(self) -> None:
        """Return when records were committed."""
        await self._open.notified()

    async def close(self) -> None:
        """End the session, and the lead with it."""
        if self._session is not None:
            self._session.close()
            self._session = None
