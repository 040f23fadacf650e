"""The last warnings of every store are kept, and a difference of clocks counts beyond the round trip only."""

import asyncio

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.services import health_watches
from microblog_streams.services.health_watches import ClockWatch, DurabilityWatch
from tests.support.waiting import until


class Part:
    """A part that answers what it is told to, or raises it."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    async def look(self):
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(health_watches, "DURABILITY_CHECK_SECONDS", 0.002)
    monkeypatch.setattr(health_watches, "DURABILITY_RETRY_SECONDS", 0.001)


def all_reached():
    reached = {"kafka": asyncio.Event(), "cassandra": asyncio.Event()}
    for event in reached.values():
        event.set()
    return reached


async def watched(looks, condition):
    async with DurabilityWatch(looks, all_reached()) as watch:
        await until(lambda: condition(watch))
        return list(watch.warnings)


async def test_what_changes_is_seen():
    kafka, cassandra = Part(["one copy"]), Part(["durable_writes off"])
    async with DurabilityWatch({"kafka": kafka.look, "cassandra": cassandra.look}, all_reached()) as watch:
        await until(lambda: watch.warnings == ["one copy", "durable_writes off"])
        kafka.answers = [[]]
        await until(lambda: watch.warnings == ["durable_writes off"])


async def test_a_part_that_never_told_is_warned_of_without_its_address(caplog):
    refused = Part(StoreUnavailable("kafka", "TopicAuthorizationFailedError at 10.0.0.7"))
    (line,) = await watched({"kafka": refused.look}, lambda watch: refused.asked > 1)
    assert line == "kafka: its durability settings could not be read yet"
    assert "promises_unknown part=kafka" in caplog.text
    assert "TopicAuthorizationFailedError" in caplog.text


async def test_what_was_told_is_kept_while_the_part_is_away():
    kafka = Part(["one copy"], StoreUnavailable("kafka", "away"))
    assert await watched({"kafka": kafka.look}, lambda watch: kafka.asked > 2) == ["one copy"]


async def test_a_store_is_checked_only_once_it_was_reached(caplog):
    """A worker that starts has no connection yet: a check would fail, and warn in /health until the next one."""
    kafka, cassandra = Part(["one copy"]), Part(StoreUnavailable("cassandra", "not connected"))
    reached = all_reached()
    reached["cassandra"].clear()

    async with DurabilityWatch({"cassandra": cassandra.look, "kafka": kafka.look}, reached) as watch:
        await until(lambda: kafka.asked > 2)
        assert (cassandra.asked, watch.warnings, caplog.text) == (0, ["one copy"], "")

        cassandra.answers = [["durable_writes off"]]
        reached["cassandra"].set()
        await until(lambda: "durable_writes off" in watch.warnings)
        # In the order of the checks, whichever answered first: an operator compares two answers of /health.
        assert watch.warnings == ["durable_writes off", "one copy"]


async def test_an_unexpected_error_ends_nothing_and_is_logged(caplog):
    strange, well = Part(KeyError("retention.ms")), Part(["one copy"])
    looks = {"kafka": strange.look, "cassandra": well.look}
    assert await watched(looks, lambda watch: strange.asked > 1) == ["one copy"]
    assert "promises_unknown part=kafka" in caplog.text


def comparing(there, *here):
    """A watch to which PostgreSQL says ``there``, asked at the first time here and answered at the second."""
    times = iter(here)

    async def ask():
        return there

    return ClockWatch(ask, limit=30.0, clock=lambda: next(times))


@pytest.mark.parametrize(
    ("there", "here", "ahead"),
    [
        (100.0, (100.0, 100.0), 0.0),
        (100.0, (99.0, 101.5), 0.0),  # read some time between the two
        (100.0, (100.5, 100.6), 0.5),
        (100.0, (140.0, 141.0), 40.0),
        (100.0, (90.0, 92.0), -8.0),
    ],
)
async def test_the_least_difference_that_explains_the_answer_counts(there, here, ahead):
    watch = comparing(there, *here)
    await watch.compare()
    assert watch.ahead == pytest.approx(ahead)


@pytest.mark.parametrize(
    ("now", "words", "wrong"),
    [
        (100.9, "", False),
        (99.1, "", False),
        (101.5, "the clock is 1.5 s ahead of PostgreSQL's", False),
        (60.0, "the clock is 40.0 s behind PostgreSQL's", True),
        (129.9, "ahead of", False),
        (130.1, "ahead of", True),
    ],
)
async def test_a_second_is_warned_of_and_thirty_are_too_many(now, words, wrong, caplog):
    watch = comparing(100.0, now, now)
    await watch.compare()
    assert words in watch.words()
    assert bool(watch.words()) == bool(words) == ("clock_differs" in caplog.text)
    assert watch.wrong is wrong


def test_before_the_first_look_nothing_is_said():
    watch = comparing(100.0)
    assert (watch.ahead, watch.words(), watch.wrong) == (None, "", False)


async def test_a_worker_whose_clock_was_set_right_is_back_in_seconds(monkeypatch):
    monkeypatch.setattr(health_watches, "CLOCK_RECHECK_SECONDS", 0.002)
    there = [60.0]

    async def ask():
        return there[0]

    async with ClockWatch(ask, limit=30.0, clock=lambda: 100.0) as watch:
        await until(lambda: watch.wrong)
        there[0] = 100.0
        await until(lambda: not watch.wrong)


async def test_it_is_compared_again_and_again_also_after_postgres_was_away(monkeypatch):
    monkeypatch.setattr(health_watches, "CLOCK_CHECK_SECONDS", 0.002)
    monkeypatch.setattr(health_watches, "CLOCK_RECHECK_SECONDS", 0.002)
    monkeypatch.setattr(health_watches, "CLOCK_RETRY_SECONDS", 0.001)
    answers = [StoreUnavailable("postgres", "away"), KeyError("defect"), 100.0, 60.0]

    async def ask():
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with ClockWatch(ask, limit=30.0, clock=lambda: 100.0) as watch:
        await until(lambda: watch.wrong)
        answers[0] = 100.0
        await until(lambda: not watch.wrong)
