"""Which Redis servers a start refuses, played by a server that answers as they do."""

import asyncio
from contextlib import asynccontextmanager

import hiredis
import pytest
from pydantic import SecretStr

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.stores.redis.connection import Redis
from tests.support.waiting import PATIENT_SECONDS


@asynccontextmanager
async def server(version="7.2.4", in_byte_order=1, config="*0\r\n", refusal=None, role="master"):
    """Serve INFO, EVAL_RO and CONFIG with these answers, anything else with OK, or everything with the refusal."""
    info = f"redis_version:{version}\r\nrun_id:a1\r\nrole:{role}\r\n"
    answers = {
        b"INFO": f"${len(info)}\r\n{info}\r\n",
        b"EVAL_RO": f":{in_byte_order}\r\n",
        b"CONFIG": config,
    }

    async def serve(reader, writer):
        requests = hiredis.Reader()
        while data := await reader.read(4096):
            requests.feed(data)
            while (request := requests.gets()) is not False:
                writer.write((refusal or answers.get(request[0], "+OK\r\n")).encode())
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        redis = Redis(Settings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"), store_timeout=PATIENT_SECONDS))
        try:
            yield redis
        finally:
            await redis.close()


@pytest.mark.parametrize("version", ["7.0.0", "7.2.4", "8.2.3", "10.1"])
async def test_new_enough_servers_are_taken(version):
    async with server(version) as redis:
        await redis.connect()
        assert redis.client is not None


@pytest.mark.parametrize("version", ["6.2.5", "6.0.16", "2.8", "nonsense"])
async def test_older_servers_are_refused(version):
    async with server(version) as redis:
        with pytest.raises(SetupError, match=f"Redis {version} at MICROBLOG_REDIS_URL is too old: 7.0 or newer"):
            await redis.connect()


async def test_a_server_that_compares_by_a_locale_is_refused():
    async with server(in_byte_order=0) as redis:
        with pytest.raises(SetupError, match="locale-collate C"):
            await redis.connect()


@pytest.mark.parametrize(
    "refusal",
    [
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-NOPERM this user has no permissions to run the 'info' command\r\n",
    ],
)
async def test_a_refused_login_is_not_tried_again(refusal):
    async with server(refusal=refusal) as redis:
        with pytest.raises(SetupError, match="refuses the login in MICROBLOG_REDIS_URL"):
            await redis.connect()


@pytest.mark.parametrize(
    "refusal",
    [
        "-LOADING Redis is loading the dataset in memory\r\n",
        "-BUSY Redis is busy running a script.\r\n",
        "-ERR max number of clients reached\r\n",
    ],
)
async def test_a_server_that_is_not_ready_is_waited_for(refusal):
    async with server(refusal=refusal) as redis:
        with pytest.raises(StoreUnavailable):
            await redis.connect()


async def test_a_replica_is_waited_for_until_it_is_the_primary():
    async with server(role="slave") as redis:
        with pytest.raises(StoreUnavailable, match="not a primary, its role is slave"):
            await redis.connect()


async def test_nothing_can_be_called_before_and_after():
    async with server() as redis:
        with pytest.raises(StoreUnavailable, match="not connected"):
            await redis.ping()
        await redis.connect()
        await redis.ping()
        await redis.close()
        with pytest.raises(StoreUnavailable, match="not connected"):
            await redis.ping()


@pytest.mark.parametrize(
    ("config", "warnings"),
    [
        ("*6\r\n+appendonly\r\n+yes\r\n+maxmemory-policy\r\n+volatile-ttl\r\n+appendfsync\r\n+everysec\r\n", []),
        ("*6\r\n+maxmemory-policy\r\n+noeviction\r\n+appendonly\r\n+yes\r\n+appendfsync\r\n+always\r\n", []),
        (
            "*6\r\n+maxmemory-policy\r\n+volatile-lru\r\n+appendonly\r\n+no\r\n+appendfsync\r\n+no\r\n",
            [
                "redis: maxmemory-policy is volatile-lru, not volatile-ttl or noeviction",
                "redis: appendonly is no, not yes",
                "redis: appendfsync is no, not everysec or always",
            ],
        ),
        (
            "-ERR unknown command 'config'\r\n",
            [
                "redis: maxmemory-policy is not known; it must be volatile-ttl or noeviction",
                "redis: appendonly is not known; it must be yes",
                "redis: appendfsync is not known; it must be everysec or always",
            ],
        ),
    ],
)
async def test_settings_that_lose_what_was_acknowledged_are_warned_of(config, warnings):
    async with server(config=config) as redis:
        await redis.connect()
        assert redis.warnings == warnings
