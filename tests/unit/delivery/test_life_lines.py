"""What is logged of an event on its way through a worker, and what its effects publish."""

import pytest

from microblog_streams.logs import context
from tests.support.logged import logged
from tests.support.waiting import until

HEADERS = [("schema", b"1"), ("request-id", b"8e03978e")]
PLACE = {"topic": "notes", "partition": 0, "offset": 4, "request_id": "8e03978e", "event_id": "Note-7"}


@pytest.fixture
def log():
    with logged("microblog_streams.delivery", "DEBUG") as log:
        yield log


async def test_each_step_of_an_event_has_its_place_its_id_and_its_request(world, log):
    world.committed[world.tp] = 4
    world.put_raw(4, headers=HEADERS)
    await until(lambda: "event_acknowledged" in log.events())

    steps = [line for line in log.lines() if line["event"].startswith("event_")]
    assert [line["event"] for line in steps] == ["event_consumed", "event_applied", "event_acknowledged"]
    assert all(PLACE.items() <= {**line, "partition": 0}.items() for line in steps)


async def test_an_event_of_an_older_version_names_no_request(world, log):
    world.put(0)
    await until(lambda: "event_acknowledged" in log.events())

    assert all("request_id" not in line for line in log.lines())


async def test_what_goes_wrong_with_an_event_is_logged_with_its_id_also_by_default(world):
    world.effects.failures[0] = [ValueError("a defect")]
    with logged("microblog_streams.delivery") as log:
        world.put_raw(0, headers=HEADERS)
        await until(lambda: world.acked == [0])

    (line,) = log.lines()
    assert (line["event"], line["request_id"], line["event_id"]) == ("effect_failed", "8e03978e", "Note-7")


async def test_what_cannot_be_decoded_is_logged_with_its_place_and_request(world):
    with logged("microblog_streams.delivery") as log:
        world.put_raw(0, value=b"not json", headers=HEADERS)
        await until(lambda: world.acked == [0])

    (line,) = log.lines()
    assert (line["event"], line["offset"], line["request_id"]) == ("dead_letter", 0, "8e03978e")


async def test_an_event_that_an_effect_publishes_names_the_same_request(world, monkeypatch):
    published = []

    async def effect(event, lease):
        published.append(context.event_headers())

    monkeypatch.setattr(type(world.effects), "__call__", lambda self, event, lease: effect(event, lease))
    world.put_raw(0, headers=HEADERS)
    await until(lambda: world.acked == [0])

    assert published == [{"schema": "1", "request-id": "8e03978e"}]
