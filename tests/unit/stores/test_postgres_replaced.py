"""Of two PostgreSQL servers that both take writes, the one that was replaced is not used; the next host is tried."""

import asyncio

import psycopg2
import pytest
from pydantic import SecretStr

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import NoAnswer, StoreUnavailable
from microblog_streams.domain.models import Era
from microblog_streams.stores.postgres import connection as postgres_module
from microblog_streams.stores.postgres import era, session
from microblog_streams.stores.postgres.connection import Postgres

SYSTEM = 77


class Connection:
    """A session on one of the servers."""

    def __init__(self, server):
        self.server, self.closed = server, False

    @property
    def idle(self):
        return not self.closed

    def close(self):
        self.closed = True

    async def fetch(self, statement, *params):
        row, timeline = self.server.row, self.server.timeline
        return [row if statement == era._ROW else (False, "", "on", timeline, SYSTEM)]

    async def fetch_one(self, statement, *params):
        return (await self.fetch(statement))[0]

    async def execute(self, statement, *params):
        if statement == era._RISE:
            self.server.row = (params[1], params[2], max(params[0], self.server.row[2]) + 1, 5.0)
        return 1


class Server:
    """A server whose row of the deployment says what it is."""

    def __init__(self, timeline, era):
        self.timeline, self.row, self.away, self.sessions = timeline, (timeline, SYSTEM, era, 0.0), False, []

    def connect(self):
        if self.away:
            raise psycopg2.OperationalError("connection refused")
        self.sessions.append(Connection(self))
        return self.sessions[-1]


@pytest.fixture
def servers(monkeypatch):
    """A primary, and the standby that was promoted in its place."""
    found = {"pg-1": Server(1, era=0), "pg-2": Server(2, era=1)}

    async def connect(target, timeout):
        return found[target["host"]].connect()

    monkeypatch.setattr(session, "_connect_to", connect)
    monkeypatch.setattr(session, "Session", lambda connection: connection)
    return found


def store(timeout=2.0, hosts="pg-1,pg-2"):
    url = SecretStr(f"postgresql://microblog@{hosts}/microblog")
    return Postgres(Settings(postgres_url=url, store_timeout=timeout, pool_size=4))


async def test_a_server_that_comes_back_unfenced_is_passed_over_and_the_era_stays(servers):
    postgres = store()
    servers["pg-1"].away = True
    await postgres.connect()
    servers["pg-1"].away = False

    for _ in range(3):
        session = await postgres.open()
        await postgres.check_server()
        assert session.server is servers["pg-2"]

    assert postgres.era.number == servers["pg-2"].row[2] == 1
    assert servers["pg-1"].row[2] == 0
    assert all(session.closed for session in servers["pg-1"].sessions)


async def test_where_there_is_no_other_host_it_is_told_what_to_do(servers):
    postgres = store()
    servers["pg-1"].away = True
    await postgres.connect()
    servers["pg-1"].away, servers["pg-2"].away = False, True
    postgres._settings = store(hosts="pg-1")._settings

    with pytest.raises(StoreUnavailable, match=r"replaced by one on a later timeline.*restart the workers.*pg-1"):
        await postgres.open()


async def test_sessions_on_the_replaced_server_are_closed(servers):
    postgres = store()
    await postgres.connect()
    async with postgres.connection(), postgres.connection():
        pass  # two are kept
    servers["pg-1"].away = True
    await postgres.open()
    servers["pg-1"].away = False

    await postgres.check_server()

    assert all(session.closed for session in servers["pg-1"].sessions)


async def test_a_session_on_the_replaced_server_that_was_in_use_is_closed_when_it_is_looked_at(servers):
    postgres = store()
    await postgres.connect()
    async with postgres.connection():
        servers["pg-1"].away = True
        await postgres.open()

    with pytest.raises(StoreUnavailable, match="later timeline"):
        await postgres.check_server()

    assert all(session.closed for session in servers["pg-1"].sessions)
    await postgres.check_server()


async def test_to_connect_and_to_look_have_one_deadline(servers, monkeypatch):
    """Each alone ends within it."""

    async def connect(target, timeout):
        await asyncio.sleep(0.12)
        return servers["pg-1"].connect()

    async def inspect_server(*args):
        await asyncio.sleep(0.12)
        return era.ServerState(Era(), ())

    monkeypatch.setattr(session, "_connect_to", connect)
    monkeypatch.setattr(postgres_module, "inspect_server", inspect_server)
    with pytest.raises(NoAnswer):
        await store(timeout=0.2, hosts="pg-1").open()
    assert all(session.closed for session in servers["pg-1"].sessions)
