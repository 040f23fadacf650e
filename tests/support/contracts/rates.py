"""What every RateStore does, in Redis or in a worker's memory. ``rates`` is one; keys are each test's own.

Rates are a day's and a month's: a worker's windows go by the clock, and tests should not meet the turn of one.
"""

import asyncio
from secrets import token_hex

import pytest

from microblog_streams.domain.rates import parse


@pytest.fixture
def who():
    return f"posting/user:{token_hex(8)}"


class RatesContract:
    async def test_calls_are_granted_up_to_the_limit(self, rates, who):
        verdicts = [await rates.take(who, parse("3/month")) for _ in range(5)]

        assert [verdict.granted for verdict in verdicts] == [True, True, True, False, False]
        assert [verdict.tightest.requests for verdict in verdicts] == [2, 1, 0, 0, 0]
        assert all(0 < verdict.tightest.seconds <= 2_592_000 for verdict in verdicts)

    async def test_each_key_has_its_own(self, rates, who):
        await rates.take(who, parse("1/month"))

        assert (await rates.take(f"{who}0", parse("1/month"))).granted
        assert not (await rates.take(who, parse("1/month"))).granted

    async def test_the_tighter_of_several_rates_counts(self, rates, who):
        both = parse("2/day;3/month")

        verdicts = [await rates.take(who, both) for _ in range(3)]

        assert [verdict.granted for verdict in verdicts] == [True, True, False]
        assert [verdict.tightest.rate.get_expiry() for verdict in verdicts] == [86_400, 86_400, 86_400]
        assert [[left.requests for left in verdict.left] for verdict in verdicts] == [[1, 2], [0, 1], [0, 1]]

    async def test_a_call_refused_by_one_rate_does_not_count_for_the_others(self, rates, who):
        for _ in range(10):
            await rates.take(who, parse("1/day;2/month"))

        assert (await rates.take(who, parse("2/month"))).granted

    async def test_calls_are_granted_again_after_the_wait(self, rates, who, eventually):
        while (verdict := await rates.take(who, parse("2/second"))).granted:
            pass
        assert verdict.wait == 1

        async def granted():
            assert (await rates.take(who, parse("2/second"))).granted

        await eventually(granted, AssertionError)

    async def test_concurrent_calls_are_granted_up_to_the_limit(self, rates, who):
        verdicts = await asyncio.gather(*(rates.take(who, parse("4/day;9/month")) for _ in range(20)))

        assert sum(verdict.granted for verdict in verdicts) <= 4
        assert all(verdict.tightest.requests == 0 for verdict in verdicts if not verdict.granted)
