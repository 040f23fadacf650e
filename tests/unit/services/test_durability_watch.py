"""Parts are asked how they are again and again; what they told last is kept."""

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.services import durability_watch
from microblog_streams.services.durability_watch import DurabilityWatch
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
    monkeypatch.setattr(durability_watch, "CHECK_SECONDS", 0.002)
    monkeypatch.setattr(durability_watch, "RETRY_SECONDS", 0.001)


async def watched(looks, condition):
    async with DurabilityWatch(looks) as watch:
        await until(lambda: condition(watch))
        return list(watch.warnings)


async def test_what_changes_is_seen():
    kafka, cassandra = Part(["one copy"]), Part(["durable_writes off"])
    async with DurabilityWatch({"kafka": kafka.look, "cassandra": cassandra.look}) as watch:
        await until(lambda: watch.warnings == ["one copy", "durable_writes off"])
        kafka.answers = [[]]
        await until(lambda: watch.warnings == ["durable_writes off"])


async def test_a_part_that_never_told_is_warned_of_without_its_address(caplog):
    refused = Part(StoreUnavailable("kafka", "TopicAuthorizationFailedError at 10.0.0.7"))
    (line,) = await watched({"kafka": refused.look}, lambda watch: refused.asked > 1)
    assert line == "kafka: it did not tell yet whether it keeps what it confirms"
    assert "promises_unknown part=kafka" in caplog.text
    assert "TopicAuthorizationFailedError" in caplog.text


async def test_what_was_told_is_kept_while_the_part_is_away():
    kafka = Part(["one copy"], StoreUnavailable("kafka", "away"))
    assert await watched({"kafka": kafka.look}, lambda watch: kafka.asked > 2) == ["one copy"]


async def test_an_unexpected_error_ends_nothing_and_is_logged(caplog):
    strange, well = Part(KeyError("retention.ms")), Part(["one copy"])
    looks = {"kafka": strange.look, "cassandra": well.look}
    assert await watched(looks, lambda watch: strange.asked > 1) == ["one copy"]
    assert "promises_unknown part=kafka" in caplog.text
