"""How a cost grows is judged by the last size as a multiple of another, round by round."""

import pytest

from benchmarks.bench.profile import top
from benchmarks.bench.rows import Target, growth

COSTS = {"of 10": [9.0, 9.0, 9.0], "of 100": [2.0, 4.0, 3.0], "of 1,000": [3.0, 4.0, 6.0]}


def test_every_size_is_told_for_information():
    rows = growth("a push", "us", COSTS, base=1, most=1.5)[:-1]

    assert [row.what for row in rows] == ["a push: of 10", "a push: of 100", "a push: of 1,000"]
    assert [row.figures for row in rows] == list(COSTS.values())
    assert all(row.target == Target() for row in rows)


@pytest.mark.parametrize(("limits", "holds"), [({"most": 1.6}, True), ({"most": 1.5}, False), ({"least": 1.5}, True)])
def test_the_last_size_is_held_against_the_base_of_the_same_round(limits, holds):
    judged = growth("a push", "us", COSTS, base=1, **limits)[-1]

    assert judged.figures == [1.5, 1.0, 2.0]
    assert judged.holds is holds


def test_own_time_is_that_of_the_innermost_function_in_all_stacks():
    stacks = ["main (a.py:1);work (b.py:2) 6", "main (a.py:1);other (b.py:9);work (b.py:2) 3", "main (a.py:1) 1"]

    assert top(stacks) == [" 90.0%  work (b.py:2)", " 10.0%  main (a.py:1)"]
