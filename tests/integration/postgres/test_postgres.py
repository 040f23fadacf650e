"""The connection to PostgreSQL: its errors in our words, and its recovery."""

import asyncio
import socket
from contextlib import AsyncExitStack, suppress

import psycopg2
import pytest
import uvloop
from pydantic import SecretStr
from yarl import URL

from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.stores.postgres.connection import Postgres
from tests.support.connections import opened
from tests.support.waiting import PATIENT_SECONDS, until

#: Of clients: an autovacuum may be active beside them.
SESSIONS = """
SELECT pid, state FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
#: Returns once they are gone.
END_ALL = f"SELECT pg_terminate_backend(pid, 240000) FROM ({SESSIONS}) AS sessions"


def changed(settings, **parts):
    url = URL(settings.postgres_url.get_secret_value())
    for name, value in parts.items():
        url = getattr(url, f"with_{name}")(value)
    return settings.model_copy(update={"postgres_url": SecretStr(str(url))})


async def test_before_connect_and_after_close_it_is_unavailable(migrated_settings):
    postgres = Postgres(migrated_settings)

    with pytest.raises(StoreUnavailable, match="not connected"):
        await postgres.ping()
    await postgres.connect()
    await postgres.ping()
    await postgres.close()
    with pytest.raises(StoreUnavailable, match="not connected"):
        await postgres.ping()


async def test_a_wrong_password_is_reported_without_showing_it(migrated_settings):
    with pytest.raises(SetupError, match="MICROBLOG_POSTGRES_URL") as raised:
        await Postgres(changed(migrated_settings, password="wrong-secret")).connect()

    assert "password authentication failed" in str(raised.value)
    assert "wrong-secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_a_missing_database_is_reported_with_what_to_do(migrated_settings):
    with pytest.raises(SetupError, match=r'database "nothing" does not exist.*create it'):
        await Postgres(changed(migrated_settings, path="/nothing")).connect()


async def test_a_start_waits_for_an_unreachable_server(migrated_settings):
    with pytest.raises(StoreUnavailable, match=r"refused \(127.0.0.1:1\)"):
        await Postgres(changed(migrated_settings, host="127.0.0.1", port=1)).connect()


async def test_a_silent_server_is_unavailable(migrated_settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = changed(migrated_settings, host="127.0.0.1", port=silent.getsockname()[1])
        with pytest.raises(StoreUnavailable, match="no answer in time"):
            await Postgres(settings.model_copy(update={"store_timeout": 0.2})).connect()


async def answers(postgres):
    """Return whether it answers. A server that was silent is asked in the background first."""
    try:
        await postgres.ping()
    except StoreUnavailable:
        return False
    return True


async def test_a_slow_statement_is_cancelled_by_client_and_server(migrated_settings, outsider):
    async with opened(Postgres(migrated_settings.model_copy(update={"store_timeout": 0.3}))) as postgres:
        with pytest.raises(StoreUnavailable, match="no answer in time"):
            await postgres.execute("SELECT pg_sleep(600)")
        await until(lambda: answers(postgres))

        await until(lambda: "active" not in [state for _, state in outsider(SESSIONS)])


async def test_a_cancelled_statement_closes_its_connection(postgres, outsider):
    task = asyncio.create_task(postgres.execute("SELECT pg_sleep(600)"))
    await until(lambda: "active" in [state for _, state in outsider(SESSIONS)])

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await postgres.fetch_one("SELECT 1") == (1,)
    await until(lambda: "active" not in [state for _, state in outsider(SESSIONS)])


async def test_a_statement_cancelled_by_the_server_is_no_task_cancellation(postgres, outsider):
    task = asyncio.create_task(postgres.execute("SELECT pg_sleep(600)"))
    await until(lambda: "active" in [state for _, state in outsider(SESSIONS)])

    outsider(f"SELECT pg_cancel_backend(pid) FROM ({SESSIONS}) AS sessions")

    with pytest.raises(StoreUnavailable, match="cancelled"):
        await task
    await postgres.ping()


async def test_connections_that_ended_are_replaced(postgres, outsider):
    async with AsyncExitStack() as lent:
        for _ in range(5):
            await lent.enter_async_context(postgres.connection())
    assert len(outsider(SESSIONS)) == 5

    outsider(END_ALL)

    # One call may meet a connection whose end was not seen yet; none after it does.
    with suppress(StoreUnavailable):
        await postgres.ping()
    await asyncio.gather(*(postgres.ping() for _ in range(5)))


async def test_a_connection_that_ends_within_a_statement_is_unavailable(postgres, outsider):
    task = asyncio.create_task(postgres.execute("SELECT pg_sleep(600)"))
    await until(lambda: "active" in [state for _, state in outsider(SESSIONS)])

    outsider(END_ALL)

    with pytest.raises(StoreUnavailable):
        await task
    await postgres.ping()


async def test_an_idle_connection_that_ends_leaves_the_event_loop_alone(postgres, outsider):
    async with postgres.connection() as session:
        socket_number = session._connection._fileno
        outsider(END_ALL)
        await until(lambda: session.closed)

        assert not asyncio.get_running_loop().remove_reader(socket_number)


def test_refused_connections_leave_their_file_descriptors_usable_on_the_loop(migrated_settings):
    away, there = Postgres(changed(migrated_settings, host="127.0.0.1", port=1)), Postgres(migrated_settings)

    async def connect_after_refusals():
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await away.connect()
        await there.connect()
        await asyncio.gather(*(there.ping() for _ in range(5)))
        await there.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(connect_after_refusals())


async def test_closing_a_connection_twice_affects_no_other(postgres):
    first = await postgres.open()
    first.close()
    second = await postgres.open()

    first.close()

    assert await second.fetch_one("SELECT 1") == (1,)
    second.close()


async def test_an_error_rolls_the_transaction_back_and_keeps_the_connection(postgres):
    with pytest.raises(LookupError):
        async with postgres.transaction() as session:
            await session.execute("INSERT INTO users (username, name_key) VALUES ('ada', 'ada')")
            raise LookupError

    assert await postgres.fetch("SELECT FROM users") == []
    async with postgres.connection() as same:
        assert same is session


async def test_an_sql_error_is_not_reported_as_an_outage(postgres):
    with pytest.raises(psycopg2.ProgrammingError):
        async with postgres.transaction() as session:
            await session.execute("SELECT nothing FROM nowhere")

    await postgres.ping()


async def test_a_cancelled_transaction_is_rolled_back(postgres, outsider):
    written, forever = asyncio.Event(), asyncio.Event()

    async def change():
        async with postgres.transaction() as session:
            await session.execute("INSERT INTO users (username, name_key) VALUES ('ada', 'ada')")
            written.set()
            await forever.wait()

    task = asyncio.create_task(change())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await until(lambda: outsider("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid'") == [(0,)])
    assert await postgres.fetch("SELECT FROM users") == []


async def test_a_deadlock_is_retried(postgres):
    both = asyncio.Barrier(2)
    await postgres.execute("INSERT INTO users (username, name_key) VALUES ('a', 'a'), ('b', 'b')")

    async def lock(*names):
        async with postgres.transaction() as session:
            await session.execute("SELECT FROM users WHERE name_key = %s FOR UPDATE", names[0])
            await both.wait()
            await session.execute("SELECT FROM users WHERE name_key = %s FOR UPDATE", names[1])

    outcomes = await asyncio.gather(lock("a", "b"), lock("b", "a"), return_exceptions=True)

    assert sum(isinstance(outcome, StoreUnavailable) for outcome in outcomes) == 1
    assert None in outcomes


async def test_a_long_row_lock_fails_the_call_and_keeps_the_connection(migrated_settings, postgres):
    await postgres.execute("INSERT INTO users (username, name_key) VALUES ('a', 'a')")
    async with (
        opened(Postgres(migrated_settings)) as other,
        postgres.transaction() as holder,
        other.connection() as session,
    ):
        await holder.execute("SELECT FROM users FOR UPDATE")
        # The server gives up before the client does; a second would be enough of a lead but for a busy machine.
        assert await session.fetch_one("SHOW lock_timeout") == (f"{PATIENT_SECONDS * 750:.0f}ms",)
        await session.execute("SET lock_timeout = 300")
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            await session.execute("SELECT FROM users FOR UPDATE")
        assert session.idle


async def test_parameters_are_never_part_of_the_statement(postgres):
    name = "x'); DROP TABLE users; --%s"

    await postgres.execute("INSERT INTO users (username, name_key) VALUES (%s, %s)", name, name)

    assert await postgres.fetch_one("SELECT username FROM users") == (name,)


async def test_a_refusing_address_of_a_host_name_leads_to_the_next(migrated_settings, monkeypatch):
    loop = asyncio.get_running_loop()
    original = loop.getaddrinfo

    async def two_addresses(host, port, **kwargs):
        found = await original("127.0.0.1", port, **kwargs)
        return [(*found[0][:4], ("127.0.0.9", int(port))), *found]

    monkeypatch.setattr(loop, "getaddrinfo", two_addresses)
    async with opened(Postgres(migrated_settings)) as postgres:
        await postgres.ping()
