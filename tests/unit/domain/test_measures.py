"""A histogram counts each value in its bucket, and sums them."""

import pytest

from microblog_streams.domain import measures
from microblog_streams.domain.measures import Exemplar, ExemplarHistogram, Histogram


@pytest.mark.parametrize(
    ("value", "cumulative"),
    [(0.5, [1, 1, 1]), (1.0, [1, 1, 1]), (1.5, [0, 1, 1]), (2.0, [0, 1, 1]), (99.0, [0, 0, 1])],
)
def test_a_bucket_includes_its_upper_bound(value, cumulative):
    histogram = Histogram((1.0, 2.0))
    histogram.observe(value)
    assert histogram.cumulative() == cumulative


def test_count_and_sum_are_those_of_all_values():
    histogram = Histogram((1.0,))
    for value in (0.5, 3.0, 4.0):
        histogram.observe(value)
    assert (histogram.count, histogram.total) == (3, 7.5)


def test_each_bucket_keeps_its_last_exemplar():
    histogram = ExemplarHistogram((1.0, 2.0))
    first, second, large = (Exemplar({"event_id": number}, value, 9.0) for number, value in enumerate((1.0, 0.5, 7.0)))
    for exemplar in (first, second, large):
        histogram.observe_exemplar(exemplar)

    assert histogram.exemplars == [second, None, large]
    assert (histogram.cumulative(), histogram.total) == ([2, 2, 3], 8.5)


@pytest.mark.parametrize("name", [name for name in vars(measures) if name.isupper()])
def test_bounds_are_ascending(name):
    bounds = getattr(measures, name)
    assert list(bounds) == sorted(set(bounds))
