"""Posts of the same moment share a request; each learns what became of it, and none has to wait for others to come."""

import asyncio

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.stores.cassandra.post_batch_writer import (
    MAX_POSTS_PER_REQUEST,
    MAX_REQUESTS,
    MAX_TEXT_BYTES,
    PostBatchWriter,
)


class Slow:
    """Writes posts when it is told to; those that say "bad" cannot be written."""

    def __init__(self):
        self.requests = []
        self.answering = asyncio.Semaphore(0)
        self.away = False

    async def write(self, posts):
        self.requests.append([post.content for post in posts])
        await self.answering.acquire()
        if self.away:
            raise StoreUnavailable("cassandra", "away")
        if any(post.content == "bad" for post in posts):
            raise ValueError("bad")

    def answer(self, count=1_000):
        for _ in range(count):
            self.answering.release()


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
def writes(slow):
    return PostBatchWriter(slow.write, timeout=10.0)


def post(content="hello"):
    return Post(new_post_id(), 1, content)


async def begin(writes, *contents):
    """Start writes, and let them come as far as they can."""
    tasks = [asyncio.create_task(writes(post(content))) for content in contents]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def busy(writes, slow):
    """Have all senders wait for an answer."""
    for number in range(MAX_REQUESTS):
        await begin(writes, f"first {number}")
    assert len(slow.requests) == MAX_REQUESTS


async def test_a_post_goes_out_at_once(writes, slow):
    (one,) = await begin(writes, "alone")
    assert slow.requests == [["alone"]]
    assert not one.done()

    slow.answer()
    await one


async def test_posts_that_come_while_others_are_written_share_a_request(writes, slow):
    await busy(writes, slow)
    later = await begin(writes, *map(str, range(MAX_POSTS_PER_REQUEST + 2)))
    slow.answer()
    await asyncio.gather(*later)

    texts = [str(number) for number in range(MAX_POSTS_PER_REQUEST + 2)]
    assert slow.requests[MAX_REQUESTS:] == [texts[:MAX_POSTS_PER_REQUEST], texts[MAX_POSTS_PER_REQUEST:]]


async def test_a_request_is_no_larger_than_cassandra_takes_without_a_warning(writes, slow):
    await busy(writes, slow)
    half, more = "ü" * (MAX_TEXT_BYTES // 4), "x" * (MAX_TEXT_BYTES + 1)
    later = await begin(writes, half, half, "x", more)
    slow.answer()
    await asyncio.gather(*later)

    assert slow.requests[MAX_REQUESTS:] == [[half, half], ["x"], [more]]


async def test_all_of_a_request_learn_that_the_store_is_away(writes, slow):
    await busy(writes, slow)
    later = await begin(writes, "a", "b")
    slow.away = True
    slow.answer()

    outcomes = await asyncio.gather(*later, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    assert len(slow.requests) == MAX_REQUESTS + 1


async def test_a_post_that_cannot_be_written_harms_none_of_those_beside_it(writes, slow):
    await busy(writes, slow)
    later = await begin(writes, "a", "bad", "b")
    slow.answer()

    outcomes = await asyncio.gather(*later, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None)]


async def test_a_cancelled_write_is_not_sent(writes, slow):
    await busy(writes, slow)
    left, stayed = await begin(writes, "left", "stayed")
    left.cancel()
    slow.answer()
    await stayed

    assert slow.requests[-1] == ["stayed"]


async def test_no_caller_waits_longer_than_a_call_may_take(slow):
    writes = PostBatchWriter(slow.write, timeout=0.0)
    (late,) = await begin(writes, "late")

    with pytest.raises(StoreUnavailable, match="found no request"):
        await late
    assert slow.requests == []


async def test_a_post_that_two_write_at_once_is_written_once(writes, slow):
    one = post()
    both = [asyncio.create_task(writes(one)) for _ in range(2)]
    await asyncio.sleep(0)
    slow.answer()
    await asyncio.gather(*both)
    assert slow.requests == [["hello"]]


async def test_of_two_who_write_a_post_one_may_leave(writes, slow):
    one = post()
    leaving, staying = (asyncio.create_task(writes(one)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    slow.answer()
    await staying
    assert slow.requests == [["hello"]]


async def test_both_learn_of_a_failure_and_may_try_again(writes, slow):
    one = post()
    slow.away = True
    both = [asyncio.create_task(writes(one)) for _ in range(2)]
    slow.answer()
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    slow.away = False
    await writes(one)
    assert slow.requests == [["hello"], ["hello"]]


async def test_a_written_post_is_written_again_on_request(writes, slow):
    one = post()
    slow.answer()
    await writes(one)
    await writes(one)
    assert slow.requests == [["hello"], ["hello"]]
