"""Waiting for the calls in flight: for those that there are, and not for those that start later."""

import asyncio

from microblog_streams.aio.tasks import InFlight


async def test_with_no_call_in_flight_it_returns_at_once():
    assert await InFlight().wait_ended()


async def test_it_waits_for_the_calls_that_were_in_flight_and_for_no_later_ones():
    in_flight = InFlight()
    with in_flight.call():
        waiting = asyncio.create_task(in_flight.wait_ended())
        await asyncio.sleep(0)
        later = in_flight.call()
        later.__enter__()
        assert not waiting.done()
    assert await waiting
    assert len(in_flight) == 1
    later.__exit__(None, None, None)
    assert len(in_flight) == 0


async def test_it_says_so_where_calls_outlast_the_time_out():
    in_flight = InFlight()
    with in_flight.call():
        assert not await in_flight.wait_ended(0.001)
    assert await in_flight.wait_ended(0.001)


async def test_a_call_that_fails_has_ended():
    in_flight = InFlight()
    try:
        with in_flight.call():
            raise ValueError("bad")
    except ValueError:
        pass
    assert len(in_flight) == 0
