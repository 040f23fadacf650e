"""Commands are packed by hiredis, into the bytes that redis-py itself makes of them."""

import asyncio
from contextlib import suppress

import pytest
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import SentinelManagedConnection
from redis.exceptions import DataError

from microblog_streams.config.settings import Settings
from microblog_streams.stores.redis.address import open_cluster, open_pool
from microblog_streams.stores.redis.pool import _Packing, packing

COMMANDS = [
    ("PING",),
    ("FUNCTION LOAD", b"REPLACE", "text"),
    (b"CONFIG GET", "maxmemory-policy", "appendonly"),
    ("FCALL", "timeline_push", 2, b"timeline:1", b"timeline:2", bytes(range(256)), 800, -1),
    ("SET", "na\u00efve \u674e", "", "EX", 1.5),
    ("SET", b"large", b"x" * 100_000, memoryview(b"view"), bytearray(b"array")),
]
FORMS = ["redis://h/0", "rediss://h/0", "redis+sentinel://h/service"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_the_bytes_are_redis_py_s_own(command):
    own = Connection().pack_command(*command)
    assert b"".join(packing(Connection)().pack_command(*command)) == b"".join(own)


def test_what_cannot_be_sent_is_refused():
    with pytest.raises(DataError):
        packing(Connection)().pack_command("SET", "key", object())


@pytest.mark.parametrize("kind", [Connection, SSLConnection, UnixDomainSocketConnection, SentinelManagedConnection])
def test_a_kind_of_connection_stays_one(kind):
    assert issubclass(packing(kind), kind)


@pytest.mark.parametrize("url", FORMS)
def test_every_pool_s_connections_pack_so(url):
    pool = open_pool(Settings(redis_url=url), 1)
    assert issubclass(pool.connection_class, _Packing)


@pytest.mark.parametrize("url", ["redis+cluster://h,i:7000", "rediss+cluster://h"])
def test_a_cluster_s_connections_pack_so(url):
    cluster = open_cluster(Settings(redis_url=url), 1)
    kinds = {cluster.connection_kwargs["connection_class"], cluster.nodes_manager.connection_kwargs["connection_class"]}
    [kind] = kinds
    assert issubclass(kind, _Packing)
    assert issubclass(kind, SSLConnection) == url.startswith("rediss")


class Swallowing(Connection):
    """A connection in whose writes a time-out strikes that is dropped, as ``wait_for`` of Python 3.11 may drop one."""

    is_open = True

    async def send_packed_command(self, command, check_health=True):
        asyncio.current_task().cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)

    async def disconnect(self, nowait=False):
        self.is_open = False


async def test_a_time_out_that_a_write_has_dropped_is_raised_and_closes_the_connection():
    connection = packing(Swallowing)()
    task = asyncio.create_task(connection.send_packed_command(b"GET a"))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not connection.is_open


class Sending(Swallowing):
    async def send_packed_command(self, command, check_health=True):
        await asyncio.sleep(0)


async def test_a_task_that_was_cancelled_before_can_still_write():
    """As it ends: a mark that it has set is to be removed."""
    connection = packing(Sending)()

    async def end():
        with suppress(asyncio.CancelledError):
            asyncio.current_task().cancel()
            await asyncio.sleep(0)
        await connection.send_packed_command(b"DEL a")
        return "written"

    assert await asyncio.create_task(end()) == "written"
    assert connection.is_open
