"""Connections that all lead to one run of one primary, played by a server that becomes what it is told to."""

import asyncio
from dataclasses import dataclass, field

import hiredis
import pytest
from pydantic import SecretStr

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis import pool
from microblog_streams.stores.redis.connection import Redis
from tests.support.waiting import PATIENT_SECONDS

#: Calls at a time, each on a connection of its own.
CALLS = 4


@dataclass
class Server:
    """Answers with its name where it is a primary; what a connection met when it was opened, it keeps."""

    name: str = "a"
    role: str = "master"
    version: str = "7.2.4"
    refusal: str = ""
    opened: list[str] = field(default_factory=list)

    async def serve(self, reader, writer):
        name, requests = self.name, hiredis.Reader()
        self.opened.append(name)
        while data := await reader.read(4096):
            requests.feed(data)
            while (request := requests.gets()) is not False:
                writer.write(self.answer(name, request[0]).encode())
        writer.close()

    def answer(self, name, command):
        if command == b"INFO":
            info = f"redis_version:{self.version}\r\nrun_id:{name}\r\nrole:{self.role}\r\n"
            return f"${len(info)}\r\n{info}\r\n"
        if command == b"GET":
            return self.refusal or f"+{name}\r\n"
        return {b"EVAL_RO": ":1\r\n", b"CONFIG": "*0\r\n"}.get(command, "+OK\r\n")


@pytest.fixture
def server():
    return Server()


@pytest.fixture
async def redis(server):
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        redis = Redis(Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"), store_timeout=PATIENT_SECONDS))
        await redis.connect()
        yield redis
        await redis.close()


async def asked(redis):
    """Ask by so many connections at a time; return who answered."""

    async def ask():
        async with redis.translated() as client:
            return (await client.get("name")).decode()

    return set(await asyncio.gather(*(ask() for _ in range(CALLS))))


async def look(redis):
    (info,) = await redis.run_on_current(lambda server: server.execute("INFO"))
    return info["run_id"]


async def test_all_connections_are_kept_while_the_address_leads_to_the_same_run(redis, server):
    assert await asked(redis) == await asked(redis) == {"a"}
    assert await look(redis) == "a"
    assert await asked(redis) == {"a"}
    assert (len(server.opened), redis.changes) == (CALLS + 1, 1)


async def test_a_look_that_finds_another_run_has_all_connections_opened_anew(redis, server):
    told = []
    redis.on_change(lambda: told.append(redis.changes))
    assert await asked(redis) == {"a"}
    server.name = "b"
    assert await asked(redis) == {"a"}
    assert await look(redis) == "b"
    assert await asked(redis) == {"b"}
    assert told == [2]


async def test_a_connection_that_is_in_use_meanwhile_is_not_used_again(redis, server):
    async with redis.translated() as client:
        pool = client.connection_pool
        used = await pool.get_connection()
        server.name = "b"
        await look(redis)
        await pool.release(used)
    assert await asked(redis) == {"b"}


@pytest.mark.parametrize(
    "refusal",
    [
        "-READONLY You can't write against a read only replica.\r\n",
        "-NOREPLICAS Not enough good replicas to write.\r\n",
        "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
    ],
)
async def test_what_no_usable_primary_refuses_has_all_connections_opened_anew_but_not_for_each_refusal(
    redis, server, refusal, monkeypatch
):
    monkeypatch.setattr(pool, "monotonic", lambda: 1_000.0)  # all refusals come within the pause
    await asked(redis)
    opened = len(server.opened)
    server.refusal = refusal
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            await redis.read("GET", "name")
    assert len(server.opened) == opened + 1
    assert redis.renewals == 1
    server.refusal, server.name = "", "b"
    await asked(redis)
    assert await asked(redis) == {"b"}


async def test_the_longer_refusals_last_the_less_often_connections_are_opened_anew(redis, server, monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr(pool, "monotonic", lambda: now[0])
    renewed = []
    monkeypatch.setattr(redis._pool, "renew", lambda _: renewed.append(now[0]))
    for _ in range(3_600):
        redis._pool.renew_after_refusal("NOREPLICAS")
        now[0] += 0.1
    assert len(renewed) < 3_600 * 0.1 / 20
    now[0] += 3_600
    redis._pool.renew_after_refusal("NOREPLICAS")
    assert renewed[-1] == now[0]


async def test_refusals_that_come_for_long_have_connections_opened_anew_again(redis, server, monkeypatch):
    monkeypatch.setattr(pool, "RENEW_PAUSE_SECONDS", 0)
    monkeypatch.setattr(pool, "MAX_RENEW_PAUSE_SECONDS", 0)
    redis._pool._pause = 0
    server.refusal = "-NOREPLICAS Not enough good replicas to write.\r\n"
    for _ in range(3):
        opened = len(server.opened)
        with pytest.raises(StoreUnavailable):
            await redis.read("GET", "name")
        await look(redis)
        with pytest.raises(StoreUnavailable):
            await redis.read("GET", "name")
        assert len(server.opened) >= opened + 2


async def test_a_server_that_became_a_replica_is_not_well_and_no_connection_is_opened_to_it(redis, server):
    server.role = "slave"
    with pytest.raises(StoreUnavailable, match="not a primary, its role is slave"):
        await redis.ping()
    with pytest.raises(StoreUnavailable, match="not a primary"):
        await look(redis)
    with pytest.raises(StoreUnavailable, match="not a primary"):
        await asked(redis)


async def test_a_new_primary_that_is_too_old_is_not_used_and_the_reason_is_told(redis, server):
    server.name, server.version = "b", "6.2.5"
    with pytest.raises(StoreUnavailable, match=r"Redis 6\.2\.5 at MICROBLOG_REDIS_URL is too old"):
        await look(redis)
    assert redis.changes == 1
