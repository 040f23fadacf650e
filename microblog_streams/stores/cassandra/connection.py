"""The connection to Cassandra: one session of the threaded driver, awaitable from the event loop.

The driver's blocking calls (connect, prepare, shutdown) run in a single thread, one after another, so that a close
waits for a running connect. Answers arrive on the driver's own threads; ``ThreadFuture`` passes them to the loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

from cassandra.query import BatchStatement, BatchType

from microblog_streams.aio.failures import CircuitBreaker
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.cassandra.driver import ERRORS, STRONG, Address, at_start, open_cluster, unavailable

Rows = list[tuple[Any, ...]]
#: A statement and its parameters.
Write = tuple[str, Sequence[object]]
#: Every node answers it, however few others it can reach.
PING: Final = "SELECT release_version FROM system.local"

Result = TypeVar("Result")


class ThreadFuture(Generic[Result]):
    """One answer of a callback driver: any thread calls ``answered`` or ``failed``; ``result`` is awaited.

    ``done`` is called once in the loop when the answer arrives, also if the waiting task was cancelled. Only the first
    answer counts: a driver that asked two nodes reports both.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        """Belong to the running loop."""
        self._loop = asyncio.get_running_loop()
        self._done = done
        self._has_answer = False
        self.result: asyncio.Future[Result | None] = self._loop.create_future()

    def answered(self, result: Result | None) -> None:
        """Pass a result to the loop."""
        self._hand_over(result, None)

    def failed(self, error: Exception) -> None:
        """Pass an error to the loop."""
        self._hand_over(None, error)

    def _hand_over(self, result: Result | None, error: Exception | None) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._finish, result, error)

    def _finish(self, result: Result | None, error: Exception | None) -> None:
        if self._has_answer:
            return
        self._has_answer = True
        self._done()
        if self.result.done():
            return
        if error is None:
            self.result.set_result(result)
        else:
            self.result.set_exception(error)


class Cassandra:
    """One session, with a limit on concurrent requests."""

    name = "cassandra"

    def __init__(self, settings: Settings) -> None:
        """Read address, time-out (seconds) and limit from the settings; open nothing."""
        self._settings = settings
        self.timeout = settings.store_timeout
        self._slots = asyncio.Semaphore(settings.cassandra_in_flight)
        self.circuit = CircuitBreaker(self.name, self._ask)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cassandra-setup")
        self._statements: set[str] = set()
        self._prepared: dict[str, Any] = {}
        self._cluster: Any = None
        self._session: Any = None

    def prepare_on_connect(self, *statements: str) -> None:
        """Have ``connect`` prepare statements, so that a missing table shows at the start.

        Statements must be idempotent: if a node does not answer, the driver sends the same one to the next node (see
        ``driver``). Writes therefore set values with an explicit timestamp; counters and conditions (IF) are excluded.
        """
        self._statements.update(statements)

    async def connect(self) -> None:
        """Connect and prepare. Raises SetupError for a refused login, or a missing keyspace or table."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        except ERRORS as error:
            raise at_start(error) from error

    async def execute(self, statement: str, parameters: Sequence[object] = (), profile: object = STRONG) -> Rows:
        """Run one statement and return the first 5,000 rows of its answer; callers page with LIMIT.

        The time-out includes the wait for a free slot. Raises StoreUnavailable.
        """
        with self.circuit.call():
            return await self._execute(self._prepare(statement), parameters, profile)

    async def write(self, *writes: Write) -> None:
        """Run statements in one unlogged batch: half the client's work of single requests, and no more atomic.

        Raises StoreUnavailable; some of the writes may have happened then.
        """
        with self.circuit.call():
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
            transient = unavailable(error)
            if transient is None:
                raise
            raise transient from error

    async def ping(self) -> None:
        """Make a round trip to any node, within the time-out."""
        await self.execute(PING)

    async def _ask(self) -> None:
        await self._execute(self._prepare(PING))

    async def close(self) -> None:
        """Shut down the session and the driver's threads; later calls raise StoreUnavailable."""
        self.circuit.close()
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
        """Send with a slot that is already held, and wait for the answer.

        The slot is released when the driver is done, not when the caller is cancelled: an abandoned request is as much
        work for the server.
        """
        future: ThreadFuture[Rows] = ThreadFuture(self._slots.release)
        try:
            response = session.execute_async(prepared, parameters, execution_profile=profile)
        except BaseException:
            self._slots.release()
            raise
        response.add_callbacks(future.answered, future.failed)
        return list(await future.result or ())

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
