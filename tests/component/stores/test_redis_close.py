"""A connection that is closed while calls are under way: they end, and open nothing any more."""

import asyncio
from contextlib import asynccontextmanager

import hiredis
import pytest
from pydantic import SecretStr

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis.connection import MAX_CONNECTIONS, Redis
from tests.support.connections import opened
from tests.support.waiting import until

#: More than there are connections, so that some wait for one.
CALLS = 3 * MAX_CONNECTIONS
INFO = "redis_version:7.2.4\r\nrun_id:1\r\nrole:master\r\nmaster_replid:1\r\nmaster_repl_offset:0\r\n"


class Server:
    """Answers what a start asks, as a server or as a cluster of one; it answers nothing else."""

    def __init__(self):
        self.open, self.silent = set(), False

    async def serve(self, reader, writer):
        self.open.add(writer)
        requests = hiredis.Reader()
        try:
            while data := await reader.read(4096):
                requests.feed(data)
                while (request := requests.gets()) is not False:
                    if not self.silent:
                        writer.write(self.answer(request).encode())
        except ConnectionError:
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    def answer(self, request):
        if request[:2] == [b"CLUSTER", b"SLOTS"]:
            return f"*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:{self.port}\r\n$2\r\nid\r\n"
        answers = {
            b"INFO": f"${len(INFO)}\r\n{INFO}\r\n",
            b"EVAL_RO": ":1\r\n",
            b"CONFIG": "*0\r\n",
            b"COMMAND": "*0\r\n",
        }
        return answers.get(request[0], "+OK\r\n")

    @asynccontextmanager
    async def listening(self):
        listener = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        async with listener:
            self.port = listener.sockets[0].getsockname()[1]
            yield self
            for writer in tuple(self.open):
                writer.transport.abort()


@pytest.fixture
async def server():
    async with Server().listening() as server:
        yield server


@pytest.fixture(params=["redis", "redis+cluster"])
async def redis(request, server):
    redis = Redis(Settings(redis_url=SecretStr(f"{request.param}://127.0.0.1:{server.port}/0"), store_timeout=1.0))
    async with opened(redis):
        yield redis


async def test_running_calls_finish_and_no_connection_stays_open(redis, server):
    """Also what waits for a connection, and on a cluster a refresh of the slots."""
    server.silent = True
    before = len(server.open)
    calls = [asyncio.create_task(redis.run_on(b"key", lambda one: one.execute("GET", "key"))) for _ in range(CALLS)]
    await until(lambda: len(server.open) >= MAX_CONNECTIONS > before)

    await redis.close()

    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [each for each in outcomes if not isinstance(each, StoreUnavailable)] == []
    await until(lambda: not server.open)
