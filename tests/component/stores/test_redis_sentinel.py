"""A pipeline that breaks while Sentinel names another primary, played by servers that tell their names."""

import asyncio
from contextlib import AsyncExitStack

import hiredis
import pytest
from pydantic import SecretStr

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis import pipeline
from microblog_streams.stores.redis.connection import Redis
from tests.support.waiting import PATIENT_SECONDS

HOST = "127.0.0.1"


class Primary:
    """Answers GET with its name, and breaks off at the key ``break``, once ``on_break`` was called."""

    def __init__(self, name):
        self.name = name
        self.on_break = None

    async def serve(self, reader, writer):
        await answer(reader, writer, self._answer)

    def _answer(self, command, *words):
        if words == (b"break",):
            self.on_break()
            return None
        if command == b"INFO":
            info = f"redis_version:7.2.4\r\nrun_id:{self.name}\r\nrole:master\r\n"
            return f"${len(info)}\r\n{info}\r\n"
        return {b"EVAL_RO": ":1\r\n", b"CONFIG": "*0\r\n", b"GET": f"+{self.name}\r\n"}.get(command, "+OK\r\n")


class Sentinel:
    """Names the primary on ``port``."""

    port = 0

    async def serve(self, reader, writer):
        await answer(reader, writer, self._answer)

    def _answer(self, command, *_):
        if command != b"SENTINEL":
            return "+OK\r\n"
        state = {"name": "service", "ip": HOST, "port": self.port, "flags": "master", "config-epoch": 1}
        words = [str(word) for pair in (state | {"num-other-sentinels": 0}).items() for word in pair]
        return f"*1\r\n*{len(words)}\r\n" + "".join(f"+{word}\r\n" for word in words)


async def answer(reader, writer, reply):
    """Answer each command on a connection, until ``reply`` returns None."""
    requests = hiredis.Reader()
    while data := await reader.read(4096):
        requests.feed(data)
        while (request := requests.gets()) is not False:
            if (found := reply(*request)) is None:
                writer.close()
                return
            writer.write(found.encode())
    writer.close()


@pytest.fixture
async def start():
    """Starts servers; returns their ports."""
    async with AsyncExitStack() as stack:

        async def start(server):
            listener = await stack.enter_async_context(await asyncio.start_server(server.serve, HOST, 0))
            return listener.sockets[0].getsockname()[1]

        yield start


async def test_the_pipeline_after_a_broken_one_goes_to_the_primary_that_sentinel_names_now(start, monkeypatch):
    """The old one still takes connections, as a frozen or a cut-off one does."""
    monkeypatch.setattr(pipeline, "_MAX_PIPELINES", 1)
    monkeypatch.setattr(pipeline, "_MAX_COMMANDS", 1)
    old, new, sentinel = Primary("old"), Primary("new"), Sentinel()
    sentinel.port, next_port = await start(old), await start(new)
    old.on_break = lambda: setattr(sentinel, "port", next_port)
    url = f"redis+sentinel://{HOST}:{await start(sentinel)}/service"
    redis = Redis(Settings(redis_url=SecretStr(url), store_timeout=PATIENT_SECONDS))
    await redis.connect()
    try:
        assert await redis.read("GET", "name") == b"old"
        broken, after = await asyncio.gather(
            redis.read("GET", "break"), redis.read("GET", "name"), return_exceptions=True
        )
        assert isinstance(broken, StoreUnavailable)
        assert after == b"new"
    finally:
        await redis.close()
