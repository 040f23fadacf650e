"""Counters in Redis: the contract of a worker's own, on real servers, for all workers together, never waited for."""

import asyncio
from secrets import token_hex

import pytest

from microblog_streams.domain.errors import NoAnswer, StoreUnavailable
from microblog_streams.domain.rates import parse
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.rates import SharedRates
from tests.support.connections import opened
from tests.support.contracts.rates import RatesContract, who
from tests.support.waiting import PATIENT_SECONDS

__all__ = ["who"]


#: For how long Redis is silent (ms), and calls meanwhile, fewer than connections: they take longer if each waits.
SILENCE_MS, CALLS = 3_000, 25


@pytest.fixture
def rates(redis):
    shared = SharedRates(redis, timeout=PATIENT_SECONDS)
    yield shared
    shared.close()


class TestSharedRates(RatesContract):
    pass


async def test_workers_count_together(redis_settings, rates, who):
    async with opened(Redis(redis_settings)) as other:
        both = (rates, SharedRates(other, timeout=PATIENT_SECONDS))
        verdicts = [await worker.take(who, parse("3/hour")) for worker in both for _ in range(2)]

    assert [verdict.granted for verdict in verdicts] == [True, True, True, False]


async def test_counters_expire(redis, rates, who):
    await rates.take(who, parse("3/minute;5/hour"))

    async with redis.translated() as client:
        keys = [key async for key in client.scan_iter(match=f"*{who}*")]
        ends = [await client.pttl(key) for key in keys]
    assert len(keys) == 2
    assert all(0 < end <= 2 * 3_600_000 for end in ends)


async def test_functions_are_reloaded_on_a_server_that_lost_them(redis, rates, who):
    await rates.take(who, parse("3/hour"))
    async with redis.translated() as client:
        await client.script_flush()

    assert (await rates.take(who, parse("3/hour"))).tightest.requests == 1


async def test_a_silent_server_delays_one_call_and_is_used_again_once_it_answers(redis, who, eventually):
    """Where each call waited, the last ones would come after the silence, and be granted."""
    rates = SharedRates(redis, timeout=0.2)
    await silence(redis)
    with pytest.raises(NoAnswer):
        await rates.take(who, parse("3/hour"))
    for _ in range(CALLS):
        with pytest.raises(StoreUnavailable):
            await rates.take(who, parse("3/hour"))

    async def granted():
        return await rates.take(f"{who}{token_hex(4)}", parse("3/hour"))

    assert (await eventually(granted, StoreUnavailable)).granted
    rates.close()


async def test_requests_of_one_moment_wait_side_by_side(redis, who):
    """One after the other, many of them would come after the silence, and be granted. One may: a library below now and
    then loses the cancellation of a call, which then waits for the store's own time-out."""
    rates = SharedRates(redis, timeout=0.2)
    await silence(redis)

    calls = (rates.take(who, parse("3/hour")) for _ in range(CALLS))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    rates.close()
    assert sum(not isinstance(outcome, StoreUnavailable) for outcome in outcomes) <= 1


async def silence(redis):
    """Have every server take calls and answer none of them for a while."""
    await redis.run_on_all(lambda server: server.execute("CLIENT PAUSE", SILENCE_MS))


async def test_a_window_that_began_this_millisecond_is_not_over(rates, who):
    """The two calls often share a millisecond, in which the library alone would say that the month ends now."""
    for number in range(100):
        verdicts = [await rates.take(f"{who}{number}", parse("3/month")) for _ in range(2)]
        assert all(verdict.tightest.seconds > 2_591_000 for verdict in verdicts)
