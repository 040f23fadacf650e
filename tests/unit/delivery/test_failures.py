"""Events that can never be read, effects that fail: what is retried, becomes a dead letter, or halts the processor."""

from datetime import UTC, datetime

import pytest

from microblog_streams.domain.dead_letters import parse_dead_letter
from microblog_streams.domain.errors import NotMine, OutcomeUnknown, StoreUnavailable
from microblog_streams.domain.topics import DEAD_LETTERS
from tests.support.fakes.delivery import OWNER
from tests.support.waiting import until
from tests.unit.delivery.test_order import turns

UNDECODABLE = {
    "not JSON": ({"value": b"{"}, "Invalid JSON"),
    "not UTF-8": ({"value": b"\xff\xfe"}, "value"),
    "no value": ({"value": None}, "value"),
    "another shape": ({"value": b"[]"}, "value"),
    "a field is missing": ({"value": b'{"userId": 7}'}, "number"),
    "a field is of another type": ({"value": b'{"userId": 7, "number": "x"}'}, "number"),
    "an id out of range": ({"value": b'{"userId": 0, "number": 1}'}, "userId"),
    "another's key": ({"key": b"\0" * 8}, "key"),
    "no key": ({"key": None}, "key"),
    "a schema that is no number": ({"headers": [("schema", b"one")]}, "schema"),
    "a schema that is not ASCII": ({"headers": [("schema", b"\xff")]}, "schema"),
    "a schema without value": ({"headers": [("schema", None)]}, "schema"),
}


@pytest.mark.parametrize(("changes", "reason"), UNDECODABLE.values(), ids=UNDECODABLE)
async def test_an_undecodable_event_becomes_a_dead_letter_and_the_partition_goes_on(world, changes, reason):
    world.put(0)
    world.put_raw(1, **changes)
    world.put(2)
    await until(lambda: world.acked == [0, 1, 2])
    (letter,) = world.log.events
    assert letter.topic == DEAD_LETTERS
    assert letter.value == (changes.get("value", world.note(number=1)) or b"")
    assert {name: letter.headers[name] for name in ("topic", "partition", "offset")} == {
        "topic": "notes",
        "partition": "3",
        "offset": "1",
    }
    assert letter.headers["error"].startswith("UndecodableEvent: ")
    assert reason in letter.headers["error"]
    assert letter.headers["first-failure"].endswith("+00:00")
    assert world.effects.ended == [0, 2]


async def test_a_dead_letter_keeps_the_records_own_headers(world):
    headers = [("schema", b"one"), ("trace", b"\xff"), ("trace", b"again")]
    world.put_raw(0, headers=headers)
    await until(lambda: world.acked == [0])
    (letter,) = world.log.events
    sent = tuple((name, text.encode()) for name, text in letter.headers.items())
    assert parse_dead_letter(0, 0, datetime.now(UTC), letter.key, letter.value, sent).headers == tuple(headers)


@pytest.mark.parametrize("headers", [None, [], [("schema", b"1")], [("other", b"x")]])
async def test_a_missing_schema_is_the_first(world, headers):
    world.put_raw(0, headers=headers)
    await until(lambda: world.acked == [0])
    assert world.effects.ended == [0]


async def test_unknown_fields_are_ignored(world):
    world.put_raw(0, value=world.note(number=0, added="later"))
    await until(lambda: world.effects.ended == [0])


async def test_a_dead_letter_is_acknowledged_only_when_the_broker_has_it(world):
    world.log.open.clear()
    world.put_raw(0, value=b"{")
    world.put(1)
    await until(lambda: world.log.begun and world.effects.ended == [1])
    await turns()
    assert world.acked == []
    world.log.open.set()
    await until(lambda: world.acked == [0, 1])


async def test_a_dead_letter_is_sent_until_the_broker_takes_it(world):
    world.log.away = True
    world.put_raw(0, value=b"{")
    await until(lambda: world.log.begun > 8)
    assert world.acked == []
    world.log.away = False
    await until(lambda: world.acked == [0])
    assert len(world.log.events) == 1
    assert world.processor_pool.counts.dead_letters == 1


async def test_a_newer_schema_halts_the_partition_processor_without_an_acknowledgement(world):
    world.effects.hold(0)
    world.put(0)
    world.put_raw(1, headers=[("schema", b"2")])
    world.put(2)
    await until(lambda: world.processor_pool.halted())
    world.effects.release(0)
    await until(lambda: world.acked == [0])
    await turns()
    assert world.acked == [0]
    assert world.effects.begun == [0]
    assert world.log.events == []
    assert "schema 2" in world.processor_pool.halted()["notes-3"]


@pytest.mark.parametrize("error", [StoreUnavailable("redis", "away"), OutcomeUnknown("late"), NotMine("not open")])
async def test_what_may_pass_is_retried_for_as_long_as_it_takes(world, error):
    world.effects.failures[0] = [error] * 30
    world.put(0, 1)
    await until(lambda: world.acked == [0, 1])
    assert world.effects.begun.count(0) == 31
    assert world.processor_pool.halted() == {}
    assert list(world.processor_pool.counts.retries.values()) == [30]


async def test_another_failure_halts_the_partition_processor_after_five_tries(world):
    world.effects.failures[1] = [ValueError("broken")] * 5
    world.put(0, 1, 2)
    await until(lambda: world.processor_pool.halted())
    await turns()
    assert world.effects.begun.count(1) == 5
    assert world.acked == [0]
    assert world.processor_pool.halted() == {"notes-3": "offset 1: ValueError: broken"}

    world.put(3)
    await turns()
    assert 3 not in world.effects.begun


async def test_another_failure_that_passes_in_time_is_forgotten(world):
    world.effects.failures[0] = [ValueError("once"), StoreUnavailable("redis", "away")] * 4
    world.put(0)
    await until(lambda: world.acked == [0])
    assert world.processor_pool.halted() == {}


async def test_another_failure_becomes_a_dead_letter_where_the_setting_says_so(make_world):
    world = make_world(on_failure="dead-letter")
    world.effects.failures[0] = [ValueError("broken")] * 5
    world.put(0, 1)
    await until(lambda: world.acked == [0, 1])
    (letter,) = world.log.events
    assert letter.headers["error"] == "ValueError: broken"
    assert letter.key == OWNER.to_bytes(8, "big")
    assert world.effects.begun.count(0) == 5
    assert world.processor_pool.halted() == {}


async def test_unwritable_rows_halt_the_partition_processor_after_five_tries(make_world):
    world = make_world(writes=True)
    world.effects.row_failures[1] = [ValueError("broken")] * 5
    world.put(0, 1, 2)
    await until(lambda: world.processor_pool.halted())
    await turns()
    assert world.acked == [0]
    assert world.effects.rows == [0]
    assert not world.task.done()


async def test_rows_that_cannot_be_written_become_a_dead_letter_where_the_setting_says_so(make_world):
    world = make_world(writes=True, on_failure="dead-letter")
    world.effects.row_failures[1] = [ValueError("broken")] * 5
    world.put(0, 1, 2)
    await until(lambda: world.acked == [0, 1, 2])
    assert len(world.log.events) == 1
    assert world.effects.ended == [0, 2]


async def test_a_long_reason_is_cut(make_world):
    world = make_world(on_failure="dead-letter")
    world.effects.failures[0] = [ValueError("x" * 10_000)] * 5
    world.put(0)
    await until(lambda: world.acked == [0])
    assert len(world.log.events[0].headers["error"]) == 500


async def test_a_partition_processor_that_cannot_acknowledge_reports_itself_halted(world, monkeypatch):
    """Nothing behind it would ever be acknowledged, without any sign of it."""

    async def fail(event):
        raise RuntimeError("the test says so")

    monkeypatch.setattr(world.stream, "ack", fail)
    world.put(0)
    await until(lambda: world.processor.halted)
    assert "the test says so" in world.processor.halted


async def test_a_defect_of_the_partition_processor_halts_it_until_the_next_generation(make_world):
    world = make_world(kafka_errors=[RuntimeError("a defect")])
    world.put(0, 1)
    await until(world.processor_pool.halted)
    assert world.processor_pool.halted() == {"notes-3": "offset 0: RuntimeError: a defect"}
    assert not world.task.done()
    world.rebalance()
    world.put(0, 1)
    await until(lambda: world.acked == [0, 1])
