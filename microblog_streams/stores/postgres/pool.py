"""A bounded pool of PostgreSQL sessions.

aiopg's pool has two gaps that show when PostgreSQL is in trouble: the return of a dead connection wakes no waiter, and
new connections are opened one after another under the pool's lock.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from microblog_streams.aio.circuit_breaker import CircuitBreaker
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.stores.postgres.session import NAME, Session


class Pool:
    """Lends each session to one caller at a time; opens sessions on demand, up to ``size``."""

    def __init__(self, open_session: Callable[[], Awaitable[Session]], size: int, timeout: float) -> None:
        """``open_session`` opens a session; a caller waits up to ``timeout`` seconds for a free one."""
        self._open = open_session
        self._timeout = timeout
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Session] = []
        self._closed = False
        self._circuit = CircuitBreaker(NAME, self._ask)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Yield a session. One that comes back broken or within a transaction is closed."""
        self._circuit.check()
        await self._wait_for_slot()
        try:
            with self._circuit.call():  # checked again: the circuit may have opened during the wait
                async with self._lent() as session:
                    yield session
        finally:
            self._slots.release()

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Session]:
        session = await self._take()
        try:
            yield session
        except StoreUnavailable:
            if session.closed:
                self.forget_idle()  # the cause has most likely ended the others too
            raise
        finally:
            self.give_back(session)

    async def _ask(self) -> None:
        """Make a round trip on a session beyond the pool's size, since waiting callers may hold all slots."""
        async with self._lent() as session:
            await session.fetch_one("SELECT 1")

    async def _wait_for_slot(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise StoreUnavailable(NAME, f"no free connection within {self._timeout:g} s") from None

    async def _take(self) -> Session:
        while self._idle:
            # The most recently used: the others have had time to notice a restart of the server.
            session = self._idle.pop()
            if session.idle:
                return session
            session.close()
        try:
            return await self._open()
        except SetupError as exc:
            # It worked at the start of the worker, so an operator may repair it.
            raise StoreUnavailable(NAME, exc) from None

    def give_back(self, session: Session) -> None:
        """Keep a session for the next caller, or close it."""
        if session.idle and not self._closed:
            self._idle.append(session)
        else:
            session.close()

    def forget_idle(self) -> None:
        """Close all idle sessions."""
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """Close idle sessions now, others when they come back."""
        self._closed = True
        self._circuit.close()
        self.forget_idle()
