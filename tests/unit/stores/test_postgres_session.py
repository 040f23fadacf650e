"""A wait for an answer loses no cancellation, whenever the answer comes; BEGIN goes with the first statement."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from microblog_streams.stores.postgres.connection import transaction
from microblog_streams.stores.postgres.session import Driver, Session


class Quiet:
    """A connection of which the server's answer is given by the test."""

    _weakref = None

    def __init__(self):
        self.closed = False
        self._waiter = asyncio.get_running_loop().create_future()

    def _ready(self, weak_self):
        pass

    def _close(self):
        self.closed = True


async def test_a_statement_that_is_cancelled_as_its_answer_comes_is_cancelled():
    """As released, aiopg returned the answer to a task that had been told to end, which went on."""
    connection = Quiet()
    answer = connection._waiter
    answer.add_done_callback(lambda _: asking.cancel())  # runs before the waiting task
    asking = asyncio.create_task(Driver._poll(connection, answer, 5.0))
    await asyncio.sleep(0)

    answer.set_result(None)

    with pytest.raises(asyncio.CancelledError):
        await asking
    assert connection.closed


async def test_a_statement_without_an_answer_in_time_closes_its_connection():
    connection = Quiet()
    with pytest.raises(TimeoutError):
        await Driver._poll(connection, connection._waiter, 0.01)
    assert connection.closed


class Recording:
    """A connection that notes what it is sent."""

    closed = False
    raw = SimpleNamespace(get_transaction_status=lambda: 0)

    def __init__(self):
        self.sent = []

    @asynccontextmanager
    async def cursor(self):
        yield SimpleNamespace(execute=self._execute, rowcount=1)

    async def _execute(self, sql, params):
        self.sent.append(sql)


@pytest.fixture
def connection():
    return Recording()


@pytest.fixture
def session(connection):
    return Session(connection)


async def test_a_transaction_begins_with_its_first_statement(session, connection):
    async with transaction(session):
        await session.execute("INSERT")
        await session.execute("UPDATE")
    assert connection.sent == ["BEGIN;INSERT", "UPDATE", "COMMIT"]


async def test_a_failed_transaction_is_rolled_back(session, connection):
    with pytest.raises(ValueError, match="no"):
        async with transaction(session):
            await session.execute("INSERT")
            raise ValueError("no")
    assert connection.sent == ["BEGIN;INSERT", "ROLLBACK"]


@pytest.mark.parametrize("failure", [None, ValueError("no")])
async def test_a_transaction_without_statements_sends_nothing(session, connection, failure):
    try:
        async with transaction(session):
            if failure:
                raise failure
    except ValueError:
        pass
    await session.execute("SELECT")
    assert connection.sent == ["SELECT"]


async def test_a_session_is_not_idle_while_a_transaction_waits_for_its_first_statement(session):
    """A caller that was cancelled there returns it so: the next caller's statement would never be committed."""
    assert session.idle
    with pytest.raises(asyncio.CancelledError):
        async with transaction(session):
            raise asyncio.CancelledError
    assert not session.idle
