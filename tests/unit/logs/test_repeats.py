"""Lines that repeat are folded into one with a count."""

import logging

import pytest

from microblog_streams.logs import repeats
from microblog_streams.logs.repeats import LINES, PERIOD_SECONDS, RepeatFilter
from tests.support.logged import logged

logger = logging.getLogger("a.library")


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        def __init__(self):
            self.now, self.calls = 1000.0, []

        def after(self, seconds, call):
            self.calls.append((self.now + seconds, call))

        def advance(self, seconds):
            self.now += seconds
            for due, call in [each for each in self.calls if each[0] <= self.now]:
                self.calls.remove((due, call))
                call()

    clock = Clock()
    monkeypatch.setattr(repeats, "monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def log(clock):
    """What the library's logger writes, folded."""
    with logged("a.library", "DEBUG") as log:
        logger.handlers[-1].addFilter(RepeatFilter(clock.after))
        yield log


def warn(times, store="redis"):
    for _ in range(times):
        logger.warning("store_silent store=%s", store)


def test_the_first_lines_pass(log):
    warn(LINES)

    assert log.events() == ["store_silent"] * LINES


def test_those_after_them_are_one_line_with_their_number_at_the_periods_end(log, clock):
    warn(LINES + 100)
    assert len(log.lines()) == LINES

    clock.advance(PERIOD_SECONDS)

    assert len(log.lines()) == LINES + 1
    told = log.lines()[-1]
    assert (told["event"], told["repeated"], told["level"]) == ("store_silent", 100, "warning")
    assert "store" not in told


def test_a_new_period_begins_anew(log, clock):
    warn(LINES + 1)
    clock.advance(PERIOD_SECONDS)

    warn(1)

    assert [line.get("repeated") for line in log.lines()[-2:]] == [1, None]


def test_arguments_make_no_other_line_and_places_do(log):
    warn(LINES)
    warn(1, store="postgres")
    logger.warning("store_silent store=%s", "cassandra")

    assert [line["store"] for line in log.lines()] == [*["redis"] * LINES, "cassandra"]


def test_steps_at_level_debug_all_pass(log):
    for number in range(5 * LINES):
        logger.debug("event_applied number=%d", number)

    assert len(log.lines()) == 5 * LINES


def test_a_library_without_fields_is_folded_with_its_last_text(log, clock):
    for number in range(LINES + 2):
        logger.error("Failed fetch %d from node 0", number)
    clock.advance(PERIOD_SECONDS)

    assert log.lines()[-1]["repeated"] == 2
    assert log.events()[-1].startswith("Failed fetch ")
