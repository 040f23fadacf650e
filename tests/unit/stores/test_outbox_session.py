"""The relay's session listens only while it leads: no task reads what a standby's would be told."""

import pytest

from microblog_streams.stores.postgres.outbox import OutboxSession


class FakeSession:
    def __init__(self, server):
        self._server = server

    async def execute(self, statement, *params):
        self._server.listening |= statement == "LISTEN outbox"
        return 0

    async def fetch_one(self, statement, *params):
        assert "pg_try_advisory_lock" in statement
        return (self._server.lead_is_free,)


class Server:
    def __init__(self):
        self.lead_is_free = False
        self.listening = False

    async def open(self):
        return FakeSession(self)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
async def session(server):
    session = OutboxSession(server)
    await session.open()
    return session


async def test_a_standby_is_not_notified_of_commits(session, server):
    assert not await session.elect()
    assert not await session.elect()

    assert not server.listening


async def test_the_leader_is(session, server):
    await session.elect()
    server.lead_is_free = True

    assert await session.elect()
    assert server.listening
