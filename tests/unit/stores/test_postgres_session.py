"""A wait for an answer of PostgreSQL loses no cancellation, whatever comes in the same moment."""

import asyncio

import pytest

from microblog_streams.stores.postgres.session import Driver


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
