"""The client as benchmarks and the chaos checker use it."""

import pytest

from benchmarks.client import client
from benchmarks.expectation import Item


@pytest.fixture
async def spread(url, spoilt):
    """A client of two workers: the front, and the front behind the gateway."""
    async with client([url, spoilt]) as opened:
        yield opened


async def test_people_register_follow_and_read(spread):
    author = await spread.register()
    await spread.follow(1, author)
    item = await spread.post(author, "hello")
    await spread.warm(author)

    assert await spread.timeline(author) == [item] == [Item(item.post_id, author, "hello")]
    assert await spread.followees(1) == {author}
    assert [user async for user, _ in spread.people()] == [1, 2, 3, author]
    assert [report["status"] for report in await spread.health()] == ["degraded", "degraded"]
    assert await spread.status("/users/4711") == 404


async def test_calls_go_to_one_worker_after_the_other(spread, gateway):
    for _ in range(4):
        await spread.warm(1)

    assert len(gateway.seen) == 2


async def test_a_read_that_had_to_be_made_again_is_counted(spread, gateway):
    gateway.spoil = [503]

    for _ in range(2):
        await spread.timeline(1)

    assert spread.retried == 1


async def test_a_post_is_not_made_again(spread, gateway):
    """Its time is measured, and would count with the wait for another try."""
    gateway.spoil = [503]

    await spread.post(1, "to the front")
    with pytest.raises(RuntimeError, match="503"):
        await spread.post(1, "to the gateway")
