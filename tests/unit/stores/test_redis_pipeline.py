"""Commands go out together, and each gets its own answer."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ResponseError

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis import pipeline
from microblog_streams.stores.redis.pipeline import CommandBatcher
from tests.support.waiting import DEADLINE_SECONDS, until


class Server:
    """Answers each command with its arguments, a call at a time; a call waits while ``held``."""

    def __init__(self):
        self.calls = []
        self.free = asyncio.Event()
        self.free.set()
        self.error = None

    @asynccontextmanager
    async def line(self):
        yield self.send

    async def send(self, commands):
        if self.error:
            raise self.error
        self.calls.append(commands)
        await self.free.wait()
        return [ResponseError(command[1]) if command[0] == "BAD" else list(command) for command in commands]


@pytest.fixture(autouse=True)
def _one_at_a_time(monkeypatch):
    monkeypatch.setattr(pipeline, "_MAX_PIPELINES", 1)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def reads(server):
    return CommandBatcher(server.line, lambda error: StoreUnavailable("redis", error) if "away" in str(error) else None)


async def test_one_that_is_alone_goes_out_alone(server, reads):
    assert await reads("GET", "a") == ["GET", "a"]
    assert server.calls == [[("GET", "a")]]


async def test_those_of_the_same_moment_go_out_together(server, reads):
    assert await asyncio.gather(reads("GET", "a"), reads("GET", "b")) == [["GET", "a"], ["GET", "b"]]
    assert server.calls == [[("GET", "a"), ("GET", "b")]]


async def test_what_is_asked_meanwhile_goes_out_with_the_next(server, reads):
    server.free.clear()
    first = asyncio.create_task(reads("GET", "a"))
    await until(lambda: server.calls)
    others = [asyncio.create_task(reads("GET", name)) for name in "bc"]
    await asyncio.sleep(0)
    server.free.set()
    await asyncio.gather(first, *others)
    assert [len(call) for call in server.calls] == [1, 2]


async def test_no_pipeline_is_longer_than_it_may_be(server, reads, monkeypatch):
    monkeypatch.setattr(pipeline, "_MAX_COMMANDS", 2)
    await asyncio.gather(*(reads("GET", str(number)) for number in range(5)))
    assert [len(call) for call in server.calls] == [2, 2, 1]


async def test_a_stalled_connection_delays_no_other(server, monkeypatch):
    monkeypatch.setattr(pipeline, "_MAX_PIPELINES", 2)
    reads = CommandBatcher(server.line, lambda error: None)
    server.free.clear()
    stalled = asyncio.create_task(reads("GET", "a"))
    await until(lambda: server.calls)
    server.free = asyncio.Event()
    server.free.set()
    assert await reads("GET", "b") == ["GET", "b"]
    assert not stalled.done()
    stalled.cancel()


async def test_a_refusal_is_that_command_s_alone(reads):
    good, bad = await asyncio.gather(reads("GET", "a"), reads("BAD", "refused"), return_exceptions=True)
    assert good == ["GET", "a"]
    assert isinstance(bad, ResponseError)


async def test_what_is_asked_while_a_sender_gives_its_line_back_is_sent(server):
    giving_back = asyncio.Event()

    @asynccontextmanager
    async def line():
        yield server.send
        giving_back.set()
        await asyncio.sleep(0)

    reads = CommandBatcher(line, lambda error: None)
    await reads("GET", "a")
    await giving_back.wait()
    assert await asyncio.wait_for(reads("GET", "b"), DEADLINE_SECONDS) == ["GET", "b"]


async def test_where_the_store_is_away_all_of_them_hear_it(server, reads):
    server.error = StoreUnavailable("redis", "away")
    outcomes = await asyncio.gather(reads("GET", "a"), reads("GET", "b"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, StoreUnavailable]
    server.error = None
    assert await reads("GET", "c") == ["GET", "c"]


async def test_a_cancelled_caller_keeps_no_other_from_an_answer(server, reads):
    server.free.clear()
    leaving, staying = (asyncio.create_task(reads("GET", name)) for name in "ab")
    await until(lambda: server.calls)
    leaving.cancel()
    server.free.set()
    assert await staying == ["GET", "b"]
    assert leaving.cancelled() or leaving.cancelling()


async def test_an_error_of_one_is_told_in_our_words(reads):
    good, bad = await asyncio.gather(reads("GET", "a"), reads("BAD", "away"), return_exceptions=True)
    assert good == ["GET", "a"]
    assert isinstance(bad, StoreUnavailable)


async def test_who_left_before_it_went_out_has_it_not_sent(server, reads):
    server.free.clear()
    first = asyncio.create_task(reads("GET", "a"))
    await until(lambda: server.calls)
    leaving, staying = (asyncio.create_task(reads("SET", name)) for name in "bc")
    await asyncio.sleep(0)
    leaving.cancel()
    server.free.set()
    await asyncio.gather(first, staying)
    assert server.calls == [[("GET", "a")], [("SET", "c")]]


async def test_a_pipeline_that_fails_as_a_whole_is_counted_once(server, reads):
    server.error = OSError("away")
    outcomes = await asyncio.gather(reads("GET", "a"), reads("GET", "b"), return_exceptions=True)
    assert all(isinstance(outcome, Exception) for outcome in outcomes)
    assert reads.failed == 1
    server.error = None
    with pytest.raises(ResponseError):
        await reads("BAD", "a")
    assert reads.failed == 1
