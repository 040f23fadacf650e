"""A worker's own counters keep the contract of those in Redis, and stay small."""

import asyncio
import time

import pytest

from microblog_streams.domain.rates import parse
from microblog_streams.stores.redis import rates as module
from microblog_streams.stores.redis.rates import Counters, LocalRates
from tests.support.contracts.rates import RatesContract, who
from tests.support.waiting import DEADLINE_SECONDS

__all__ = ["who"]


@pytest.fixture
def rates():
    return LocalRates()


@pytest.fixture
def eventually():
    async def wait(call, *errors):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                return await call()
            except errors:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.02)

    return wait


class TestLocalRates(RatesContract):
    pass


@pytest.fixture
def clock(monkeypatch):
    """Let time pass, for the library and for us."""
    passed = 0.0
    start, began = time.time(), time.monotonic()

    def let_pass(seconds):
        nonlocal passed
        passed += seconds

    monkeypatch.setattr("limits.aio.storage.memory.time.time", lambda: start + passed)
    monkeypatch.setattr(module, "monotonic", lambda: began + passed)
    return let_pass


async def test_ended_counters_are_thrown_away_now_and_again(clock):
    counters = Counters()
    for number in range(100):
        await counters.incr(f"key {number}", 2)
    await asyncio.sleep(0)
    clock(3)
    await counters.incr("soon after", 60)
    await asyncio.sleep(0)
    kept_at_first = len(counters.storage)
    clock(module.SWEEP_SECONDS)
    await counters.incr("later", 60)
    await asyncio.sleep(0)

    assert kept_at_first == 101
    assert set(counters.storage) == {"soon after", "later"}


@pytest.mark.parametrize("rate", ["1/second", "5/minute", "2/month"])
async def test_a_rate_that_was_not_drawn_on_is_whole_for_its_whole_time(rates, who, rate):
    verdict = await rates.take(who, parse(rate))

    assert verdict.tightest.seconds == parse(rate)[0].get_expiry()
