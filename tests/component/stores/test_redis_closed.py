"""A connection to Redis that the server has closed is one that failed, in the moment before the reader notices, too."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import uvloop
from pydantic import SecretStr
from redis.exceptions import ConnectionError as NotConnected

from microblog_streams.config.settings import Settings
from microblog_streams.stores.redis.address import open_pool
from tests.support.waiting import until


@asynccontextmanager
async def closed_connection(kind, **more):
    """Give a connection of redis-py whose transport is closed, which it does not know yet."""

    async def answer(reader, writer):
        while await reader.read(4096):
            writer.write(b"+OK\r\n" * 2)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        connection = kind(host="127.0.0.1", port=listener.sockets[0].getsockname()[1], protocol=2, **more)
        await connection.connect()
        transport = connection._writer.transport
        transport.abort()
        await until(lambda: "closed=True" in repr(transport))
        assert connection.is_connected
        yield connection


async def _write(url, timeouts):
    pool = open_pool(Settings(redis_url=SecretStr(url)), 1)
    if "sentinel" in url:
        pool = pool.sentinel_manager.sentinels[0].connection_pool
    async with closed_connection(pool.connection_class, **timeouts) as connection:
        with pytest.raises(NotConnected):
            await connection.send_command("PING")
        assert not connection.is_connected


@pytest.mark.parametrize("timeouts", [{"socket_timeout": 5.0}, {}], ids=["bounded", "unbounded"])
@pytest.mark.parametrize("url", ["redis://h/0", "redis+sentinel://h/service"])
def test_a_write_on_a_closed_transport_is_a_broken_connection(url, timeouts):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_write(url, timeouts))
