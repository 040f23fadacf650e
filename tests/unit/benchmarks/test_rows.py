"""A row says whether its target holds: by the median of its rounds, and against the ceiling of the same round."""

import json

import pytest

from benchmarks.bench.rows import Row, Target, table


def row(figures=(80.0, 90.0, 100.0), ceilings=(), **target):
    return Row("pushes", "pushes/s", figures, Target(**target), "Redis alone", ceilings)


def test_the_figure_is_the_median_of_the_rounds():
    assert row().figure == 90.0


def test_the_ratio_is_to_the_ceiling_of_the_same_round():
    assert row((50.0, 10.0, 40.0), (100.0, 10.0, 50.0)).ratio == 0.8


@pytest.mark.parametrize(
    ("target", "holds"),
    [
        ({}, True),
        ({"most": 91.0}, True),
        ({"most": 90.0}, False),
        ({"least": 90.0}, True),
        ({"least": 91.0}, False),
        ({"ratio": 0.5}, False),
        ({"ratio": 0.5, "most": 91.0}, False),
    ],
)
def test_a_target_holds_or_not(target, holds):
    assert row(**target).holds is holds


@pytest.mark.parametrize(("ratio", "holds"), [(0.9, True), (0.91, False)])
def test_a_share_of_the_ceiling_holds_or_not(ratio, holds):
    assert row(ceilings=(100.0, 100.0, 100.0), ratio=ratio).holds is holds


def test_a_row_is_the_same_after_it_was_written():
    one = row((1.0,), (2.0,), ratio=0.5)
    assert Row.read(json.loads(json.dumps(one.written()))) == Row(
        **{**one.written(), "target": one.target, "figures": [1.0], "ceilings": [2.0]}
    )


def test_the_table_has_figure_ceiling_ratio_and_verdict():
    text = table([row(ceilings=(100.0, 100.0, 100.0), ratio=0.95), row((0.5,))])

    assert "| pushes | >= 95% of the ceiling | 90 pushes/s (80 to 100) | 100, Redis alone | 90% | **no** |" in text
    assert "| pushes | for information | 0.5 pushes/s |  |  |  |" in text
