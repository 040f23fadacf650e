"""How figures are told."""

import pytest

from benchmarks.figures import milliseconds, percentile


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (99, 10), (100, 10), (10, 1), (11, 2)])
def test_a_percentile_is_one_of_the_values(percent, value):
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == value


def test_there_is_no_percentile_of_nothing():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_milliseconds_keep_three_digits():
    assert [milliseconds(seconds) for seconds in (0.00421, 0.0996, 0.31)] == ["4.2 ms", "99.6 ms", "310 ms"]
