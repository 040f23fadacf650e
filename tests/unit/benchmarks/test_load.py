"""The load generator's own counting, against a call that needs no server."""

from itertools import chain, repeat

from benchmarks.load import Calls, load


async def test_good_answers_are_timed_and_others_counted():
    answers = chain([200, 503, 201], repeat(200))

    async def call(session, url, person):
        assert (url, person) == ("http://worker", 7)
        return next(answers)

    figures = await load(Calls(call, repeat("http://worker"), [7]), clients=3, seconds=0.1)
    assert figures["others"] == {"503": 1}
    assert figures["calls"] > 2
    assert 0 < figures["p50"] <= figures["p99"]
