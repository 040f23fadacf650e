"""A bounded pool of PostgreSQL sessions.

aiopg has one, with two gaps that show exactly when PostgreSQL is in trouble: giving back a connection that died
wakes nobody who waits for a free one, and new connections are opened one after another under the pool's lock.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from microblog_streams.aio.circuit_breaker import CircuitBreaker
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.stores.postgres.session import NAME, Session


class Pool:
    """Hands out sessions, one user each; opens them when needed, up to ``size``."""

    def __init__(self, open_session: Callable[[], Awaitable[Session]], size: int, timeout: float) -> None:
        """Take how a session is opened, and how many seconds to wait for a free one."""
        self._open = open_session
        self._timeout = timeout
        self._places = asyncio.Semaphore(size)
        self._idle: list[Session] = []
        self._closed = False
        self._circuit = CircuitBreaker(NAME, self._ask)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Lend a session. One that comes back broken or within a transaction is closed, not lent again."""
        self._circuit.check()
        await self._wait_for_place()
        try:
            with self._circuit.call():  # looks again: those who waited for a place need not wait for an answer too
                async with self._lent() as session:
                    yield session
        finally:
            self._places.release()

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Session]:
        session = await self._take()
        try:
            yield session
        except StoreUnavailable:
            if session.closed:
                self.forget_idle()  # what ended this one has most likely ended the others too
            raise
        finally:
            self.give_back(session)

    async def _ask(self) -> None:
        """Ask for a sign of life, on a session beyond the pool's size: all places may be taken by those who wait."""
        async with self._lent() as session:
            await session.fetch_one("SELECT 1")

    async def _wait_for_place(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._places.acquire()
        except TimeoutError:
            raise StoreUnavailable(NAME, f"no free connection within {self._timeout:g} s") from None

    async def _take(self) -> Session:
        while self._idle:
            # The newest: the others may rest, and a restart of the server shows on them meanwhile.
            session = self._idle.pop()
            if session.idle:
                return session
            session.close()
        try:
            return await self._open()
        except SetupError as exc:
            # It did work when the worker started, so somebody may mend it.
            raise StoreUnavailable(NAME, exc) from None

    def give_back(self, session: Session) -> None:
        """Keep a session for the next one who asks, or close it."""
        if session.idle and not self._closed:
            self._idle.append(session)
        else:
            session.close()

    def forget_idle(self) -> None:
        """Close the sessions that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """Close the idle sessions now, the others as they come back."""
        self._closed = True
        self._circuit.close()
        self.forget_idle()
