"""Families have the values that are known, and their text is what Prometheus reads, in whatever steps it is made."""

import asyncio

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metric_families
from prometheus_client.parser import text_string_to_metric_families

from microblog_streams.domain.measures import Exemplar, ExemplarHistogram, Histogram
from microblog_streams.metrics import exposition
from microblog_streams.metrics.definitions import Definition, Kind
from microblog_streams.metrics.exposition import Format, family, text

GAUGE = Definition("microblog_things", Kind.GAUGE, "things", "Things `here`")
BY_COLOUR = Definition("microblog_coloured_things", Kind.GAUGE, "things", "Things", ("colour",))
COUNTER = Definition("microblog_falls_total", Kind.COUNTER, "falls", "Falls", ("from", "to"))
TIMES = Definition("microblog_fall_seconds", Kind.HISTOGRAM, "seconds", "Falls", (), (0.1, 1))


async def parsed(*made):
    """Return the value of each sample in the families' text, by its name and the values of its labels."""
    page = (await text(made)).decode()
    samples = [sample for each in text_string_to_metric_families(page) for sample in each.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


async def test_a_number_is_one_sample():
    assert await parsed(family(GAUGE, 3), family(GAUGE, True)) == {("microblog_things",): 1}
    assert await parsed(family(GAUGE, 3)) == {("microblog_things",): 3}


@pytest.mark.parametrize("values", [None, {}, {"red": None}])
async def test_what_is_not_known_has_no_sample(values):
    assert await parsed(family(GAUGE if values is None else BY_COLOUR, values)) == {}


async def test_values_come_by_one_label_or_by_several():
    assert await parsed(family(BY_COLOUR, {"red": 1, "blue": None})) == {("microblog_coloured_things", "red"): 1}
    assert await parsed(family(COUNTER, {("a", "b"): 2})) == {("microblog_falls_total", "a", "b"): 2}


async def test_a_histogram_has_buckets_count_and_sum():
    times = Histogram(TIMES.bounds)
    for seconds in (0.05, 0.5, 5.0):
        times.observe(seconds)

    assert await parsed(family(TIMES, times)) == {
        ("microblog_fall_seconds_bucket", "0.1"): 1,
        ("microblog_fall_seconds_bucket", "1.0"): 2,
        ("microblog_fall_seconds_bucket", "+Inf"): 3,
        ("microblog_fall_seconds_count",): 3,
        ("microblog_fall_seconds_sum",): 5.55,
    }


@pytest.fixture
def exemplary():
    times = ExemplarHistogram(TIMES.bounds)
    times.observe_exemplar(Exemplar({"event_id": 7, "trace_id": "ab"}, 0.5, 1_800_000_000.25))
    return family(TIMES, times)


async def test_openmetrics_shows_a_bucket_s_exemplar(exemplary):
    page = (await text([family(COUNTER, {("a", "b"): 2}), exemplary], Format.OPENMETRICS)).decode()

    assert page.endswith("\n# EOF\n")
    buckets = {sample.labels.get("le"): sample for each in open_metric_families(page) for sample in each.samples}
    shown = buckets["1.0"].exemplar
    assert (shown.labels, shown.value, float(shown.timestamp)) == (
        {"event_id": "7", "trace_id": "ab"},
        0.5,
        1_800_000_000.25,
    )
    assert (buckets["0.1"].exemplar, buckets["+Inf"].exemplar) == (None, None)


async def test_the_older_format_has_no_exemplars(exemplary):
    assert b"event_id" not in await text([exemplary])
    assert (await parsed(exemplary))["microblog_fall_seconds_bucket", "1.0"] == 1


@pytest.mark.parametrize("form", Format)
async def test_a_text_made_in_steps_is_the_same_text(monkeypatch, form):
    many = family(BY_COLOUR, {f"colour {number}": number for number in range(25)})
    at_once = await text([many, family(GAUGE, 1)], form)
    monkeypatch.setattr(exposition, "SAMPLES_PER_STEP", 10)

    assert await text([many, family(GAUGE, 1)], form) == at_once
    assert at_once.count(b"# TYPE microblog_coloured_things gauge") == 1


async def test_other_tasks_have_their_turn_while_a_text_is_made(monkeypatch):
    monkeypatch.setattr(exposition, "SAMPLES_PER_STEP", 10)
    turns = 0

    async def count_turns():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    await text([family(BY_COLOUR, {str(number): number for number in range(100)})])
    counting.cancel()

    assert turns >= 10
