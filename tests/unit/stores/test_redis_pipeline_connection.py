"""A line takes a connection once for many pipelines, and always gives it back."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from redis.exceptions import ConnectionError as Broken
from redis.exceptions import ResponseError

from microblog_streams.stores.redis import pipeline
from microblog_streams.stores.redis.pipeline import pipeline_connection


class Connection:
    """Answers each command with itself; "BAD" is refused, and "BREAK" breaks the connection."""

    def __init__(self):
        self.commands = []
        self.marked = False
        self.is_connected = True

    def should_reconnect(self):
        return self.marked

    def pack_commands(self, commands):
        return list(commands)

    async def send_packed_command(self, packed, check_health):
        assert not check_health
        self.commands = packed

    async def read_response(self, timeout):
        command = self.commands.pop(0)
        if command == ("BREAK",):
            self.is_connected = False
            raise Broken
        if command == ("BAD",):
            raise ResponseError("refused")
        return command


class Pool:
    """Notes which connections are out."""

    def __init__(self):
        self.taken = 0
        self.out = []

    async def get_connection(self):
        self.taken += 1
        self.out.append(Connection())
        return self.out[-1]

    async def release(self, connection):
        self.out.remove(connection)


@pytest.fixture
def pool():
    return Pool()


@pytest.fixture
def client(pool):
    @asynccontextmanager
    async def client():
        yield SimpleNamespace(connection_pool=pool)

    return client


async def test_one_connection_serves_many_pipelines_and_is_given_back(pool, client):
    async with pipeline_connection(client) as send:
        assert await send([("GET", "a"), ("GET", "b")]) == [("GET", "a"), ("GET", "b")]
        assert await send([("GET", "c")]) == [("GET", "c")]
        assert len(pool.out) == 1
    assert (pool.taken, pool.out) == (1, [])


async def test_after_so_many_pipelines_the_pool_is_asked_again(pool, client, monkeypatch):
    monkeypatch.setattr(pipeline, "_PIPELINES_PER_CONNECTION", 2)
    async with pipeline_connection(client) as send:
        for _ in range(5):
            await send([("GET", "a")])
        assert len(pool.out) == 1
    assert (pool.taken, pool.out) == (3, [])


async def test_a_connection_that_is_to_be_opened_anew_is_given_back_before_the_next_pipeline(pool, client):
    async with pipeline_connection(client) as send:
        await send([("GET", "a")])
        first = pool.out[0]
        first.marked = True
        await send([("GET", "b")])
        assert len(pool.out) == 1
        assert first not in pool.out
    assert (pool.taken, pool.out) == (2, [])


async def test_a_connection_that_broke_is_given_back_before_the_next_pipeline(pool, client):
    """The pool opens it again: it knows where the primary is by now, and a connection where it was."""
    async with pipeline_connection(client) as send:
        with pytest.raises(Broken):
            await send([("BREAK",)])
        await send([("GET", "a")])
        assert len(pool.out) == 1
    assert (pool.taken, pool.out) == (2, [])


async def test_a_refusal_is_returned_in_its_place(client):
    async with pipeline_connection(client) as send:
        first, refused, last = await send([("GET", "a"), ("BAD",), ("GET", "b")])
    assert (first, last) == (("GET", "a"), ("GET", "b"))
    assert isinstance(refused, ResponseError)


async def test_a_connection_that_broke_is_given_back_too(pool, client):
    with pytest.raises(Broken):
        async with pipeline_connection(client) as send:
            await send([("BREAK",)])
    assert pool.out == []
