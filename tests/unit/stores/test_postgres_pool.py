"""The pool lends sessions to one user each, and keeps none that it should not."""

import asyncio

import pytest

from microblog_streams.domain.errors import NoAnswer, SetupError, StoreUnavailable
from microblog_streams.stores.postgres.connection import Pool
from tests.support.waiting import until


class FakeSession:
    def __init__(self):
        self.closed = False
        self.in_transaction = False

    @property
    def idle(self):
        return not self.closed and not self.in_transaction

    def close(self):
        self.closed = True

    async def fetch_one(self, sql):
        return (1,)


class Server:
    """Opens sessions and keeps them all."""

    def __init__(self):
        self.sessions = []
        self.failure = None
        self.asked = 0

    async def open(self):
        self.asked += 1
        if self.failure:
            raise self.failure
        self.sessions.append(FakeSession())
        return self.sessions[-1]


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def pool(server):
    return Pool(server.open, size=2, timeout=0.05)


async def test_a_session_is_lent_again(pool, server):
    async with pool.session() as first:
        pass
    async with pool.session() as second:
        pass

    assert first is second
    assert len(server.sessions) == 1


async def test_two_users_never_share_a_session(pool):
    async with pool.session() as first, pool.session() as second:
        assert first is not second


async def test_a_full_pool_says_so_after_the_time_out(pool):
    async with pool.session(), pool.session():
        with pytest.raises(StoreUnavailable, match="no free connection"):
            async with pool.session():
                pass

    async with pool.session():
        pass


async def test_who_waits_gets_the_place_of_a_session_that_broke(server):
    pool = Pool(server.open, size=1, timeout=60)
    waiting = None
    got = []

    async def use():
        async with pool.session() as session:
            got.append(session)

    async with pool.session() as broken:
        waiting = asyncio.create_task(use())
        await asyncio.sleep(0)
        broken.close()
    await until(lambda: got)

    await waiting
    assert got != [broken]


async def test_a_session_left_within_a_transaction_is_closed(pool):
    async with pool.session() as session:
        session.in_transaction = True

    assert session.closed
    async with pool.session() as another:
        assert another is not session


async def test_a_session_that_died_while_idle_is_not_lent(pool):
    async with pool.session() as session:
        pass
    session.closed = True

    async with pool.session() as another:
        assert another is not session


async def test_when_a_session_breaks_the_idle_ones_go_too(pool, server):
    async with pool.session(), pool.session():
        pass

    with pytest.raises(StoreUnavailable):
        async with pool.session() as session:
            session.close()
            raise StoreUnavailable("postgres", "gone")

    assert all(session.closed for session in server.sessions)


async def test_a_refused_statement_costs_no_connection(pool, server):
    with pytest.raises(StoreUnavailable):
        async with pool.session():
            raise StoreUnavailable("postgres", "deadlock detected")

    assert not server.sessions[0].closed


async def test_what_cannot_be_opened_any_more_is_unavailable(pool, server):
    server.failure = SetupError("the password was changed")

    with pytest.raises(StoreUnavailable, match="password"):
        async with pool.session():
            pass


async def test_closing_closes_the_idle_now_and_the_others_as_they_come_back(pool, server):
    async with pool.session() as used:
        async with pool.session() as idle:
            pass
        pool.close()
        assert (idle.closed, used.closed) == (True, False)

    assert used.closed


async def test_a_server_that_has_stopped_answering_is_waited_for_once(pool, server):
    server.failure = NoAnswer("postgres", "no answer in time")
    with pytest.raises(NoAnswer):
        async with pool.session():
            pass

    with pytest.raises(StoreUnavailable, match="stopped answering"):
        async with pool.session():
            pass

    server.failure = None
    await until(lambda: server.sessions)
    async with pool.session():
        pass
    pool.close()


async def test_those_who_waited_for_a_place_do_not_wait_for_an_answer_too(server):
    pool = Pool(server.open, size=1, timeout=60)
    silent = asyncio.Event()

    async def use():
        async with pool.session():
            await silent.wait()
            raise NoAnswer("postgres", "no answer in time")

    users = [asyncio.create_task(use()) for _ in range(3)]
    await until(lambda: server.sessions)
    server.failure = NoAnswer("postgres", "no answer in time")
    server.sessions[0].closed = True
    silent.set()

    first, *others = await asyncio.gather(*users, return_exceptions=True)
    assert isinstance(first, NoAnswer)
    assert ["stopped answering" in str(other) for other in others] == [True, True]
    pool.close()
