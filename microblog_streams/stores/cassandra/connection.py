"""Brings the answer of a callback driver, which comes on one of its threads, to a task that waits in the event loop.

The connection to Cassandra: a driver with threads of its own, made safe to await in the event loop.

The driver's blocking calls (connect, prepare, shutdown) run one after the other in one thread, so that a close waits
for a connect under way. Its answers come on another thread and are handed over to the loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

from cassandra.query import BatchStatement, BatchType

from microblog_streams.aio.circuit_breaker import CircuitBreaker
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.cassandra.driver import ERRORS, STRONG, Address, at_start, open_cluster, unavailable

Result = TypeVar("Result")


class ThreadFuture(Generic[Result]):
    """One answer on its way: ``answered`` or ``failed`` is called from any thread, ``result`` is awaited.

    ``done`` is called once in the loop when the answer is there, also where whoever waited has left. The first answer
    counts: a driver that asked two nodes also brings the one that was overtaken.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        """Belong to the running loop."""
        self._loop = asyncio.get_running_loop()
        self._done = done
        self._settled = False
        self.result: asyncio.Future[Result | None] = self._loop.create_future()

    def answered(self, result: Result | None) -> None:
        """Hand over a result."""
        self._hand_over(result, None)

    def failed(self, error: Exception) -> None:
        """Hand over an error."""
        self._hand_over(None, error)

    def _hand_over(self, result: Result | None, error: Exception | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: Result | None, error: Exception | None) -> None:
        if self._settled:
            return
        self._settled = True
        self._done()
        if self.result.done():
            return
        if error is None:
            self.result.set_result(result)
        else:
            self.result.set_exception(error)


Rows = list[tuple[Any, ...]]
#: A statement and its parameters.
Write = tuple[str, Sequence[object]]
#: What any node answers, however few others it sees.
PING: Final = "SELECT release_version FROM system.local"


class Cassandra:
    """One session of the driver, with a bound on the requests under way."""

    name = "cassandra"

    def __init__(self, settings: Settings) -> None:
        """Take address, time-out (seconds) and bound from the settings; open nothing."""
        self._settings = settings
        self.timeout = settings.store_timeout
        self._slots = asyncio.Semaphore(settings.cassandra_in_flight)
        self._circuit = CircuitBreaker(self.name, self._ask)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cassandra-setup")
        self._statements: set[str] = set()
        self._prepared: dict[str, Any] = {}
        self._cluster: Any = None
        self._session: Any = None

    def prepare_on_connect(self, *statements: str) -> None:
        """Note statements to prepare when connecting, so that a missing table shows at the start.

        Each may be sent twice: a node that does not answer is overtaken by another one (see ``cluster``). So writes
        set what they write, at a time that is theirs; counters and conditions (IF) are not for here.
        """
        self._statements.update(statements)

    async def connect(self) -> None:
        """Connect and prepare. Raises SetupError for a refused login, and for a keyspace or table that is missing."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        except ERRORS as error:
            raise at_start(error) from error

    async def execute(self, statement: str, parameters: Sequence[object] = (), profile: object = STRONG) -> Rows:
        """Run one statement and return its first 5,000 rows; page by position with LIMIT, not past them.

        The time-out counts the wait for a slot too. Raises StoreUnavailable.
        """
        with self._circuit.call():
            return await self._execute(self._prepare(statement), parameters, profile)

    async def write(self, *writes: Write) -> None:
        """Run statements in one request: for the client half the work of one each, side by side, and no more atomic.

        Raises StoreUnavailable; some of them may have happened then.
        """
        with self._circuit.call():
            await self._execute(self._batch(writes))

    async def _execute(
        self, prepared: Awaitable[Any], parameters: Sequence[object] | None = None, profile: object = STRONG
    ) -> Rows:
        try:
            async with asyncio.timeout(self.timeout):
                statement, session = await prepared, self._connected()
                await self._slots.acquire()
                return await self._send(session, statement, parameters, profile)
        except ERRORS as error:
            passing = unavailable(error)
            if passing is None:
                raise
            raise passing from error

    async def ping(self) -> None:
        """Ask any server for an answer, within the time-out."""
        await self.execute(PING)

    async def _ask(self) -> None:
        await self._execute(self._prepare(PING))

    async def close(self) -> None:
        """End the session and the driver's threads; calls after this raise StoreUnavailable."""
        self._circuit.close()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._shut)

    def _connected(self) -> Any:  # noqa: ANN401  the driver has no types
        if self._session is None:
            raise StoreUnavailable(self.name, "not connected")
        return self._session

    async def _prepare(self, statement: str) -> Any:  # noqa: ANN401  the driver has no types
        if statement in self._prepared:
            return self._prepared[statement]
        session = self._connected()
        prepared = await asyncio.get_running_loop().run_in_executor(self._thread, _prepare, session, statement)
        return self._prepared.setdefault(statement, prepared)

    async def _batch(self, writes: Iterable[Write]) -> BatchStatement:
        batch = BatchStatement(BatchType.UNLOGGED)
        for statement, parameters in writes:
            batch.add(await self._prepare(statement), parameters)
        batch.is_idempotent = True
        return batch

    async def _send(
        self,
        session: Any,  # noqa: ANN401
        prepared: Any,  # noqa: ANN401
        parameters: Sequence[object] | None,
        profile: object,
    ) -> Rows:
        """Send with a slot that is held already, and wait for the answer.

        The slot is free again when the driver is done, not when the caller leaves: a request that nobody waits for
        any more is as much work for the server.
        """
        handover: ThreadFuture[Rows] = ThreadFuture(self._slots.release)
        try:
            response = session.execute_async(prepared, parameters, execution_profile=profile)
        except BaseException:
            self._slots.release()
            raise
        response.add_callbacks(handover.answered, handover.failed)
        return list(await handover.result or ())

    def _open(self) -> None:
        if self._session is not None:
            return
        cluster = open_cluster(self._settings)
        try:
            session = cluster.connect()
            session.set_keyspace(Address.of(self._settings).keyspace)
            self._prepared = {statement: _prepare(session, statement) for statement in self._statements}
        except BaseException:
            cluster.shutdown()
            raise
        self._cluster, self._session = cluster, session

    def _shut(self) -> None:
        cluster, self._cluster, self._session = self._cluster, None, None
        if cluster is not None:
            cluster.shutdown()


def _prepare(session: Any, statement: str) -> Any:  # noqa: ANN401  the driver has no types
    prepared = session.prepare(statement)
    prepared.is_idempotent = True
    return prepared
