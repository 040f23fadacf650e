"""Numbers, sizes and times as the overview shows them."""

from datetime import UTC, datetime

import pytest

from web.admin import html


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "-"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536 * 1024, "1.5 MiB"), (2**60, "1048576.0 TiB")],
)
def test_bytes_have_a_unit(number, text):
    assert html.format_bytes(number) == text


@pytest.mark.parametrize(("number", "text"), [(None, "-"), (0, "0"), (1_234_567, "1,234,567")])
def test_thousands_are_apart(number, text):
    assert html.format_count(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (-3, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (93_600, "1 d 2 h"),
    ],
)
def test_a_span_has_the_two_units_that_matter(seconds, text):
    assert html.format_duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (47, "47"), (951, "950"), (1_234_567, "1,200,000")])
def test_an_estimate_has_two_digits(number, text):
    assert html.format_estimate(number) == text


def test_a_moment_says_that_it_is_utc():
    assert html.format_time(datetime(2026, 5, 17, 12, 0, 5, 999, tzinfo=UTC)) == "2026-05-17 12:00:05 UTC"
    assert html.format_time(None) == "-"


@pytest.mark.parametrize(
    ("values", "text"), [((), "-"), ((4,), "4"), ((0, 1, 2, 3, 6), "0-3, 6"), ((1, 3, 5, 6), "1, 3, 5-6")]
)
def test_numbers_in_a_row_are_from_to(values, text):
    assert html.format_ranges(values) == text
