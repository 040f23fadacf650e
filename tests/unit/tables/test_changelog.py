"""A row is safe when its changelog record is confirmed; the record that is sent again is the row as it is by then."""

import asyncio
from datetime import UTC, datetime

import pytest
from faust.tables.table import Table

from microblog_streams.delivery.upstream import changelog
from microblog_streams.errors import NotMine, StoreUnavailable
from microblog_streams.stores.interfaces import Row
from tables.codec import decode_row, encode_key, encode_row

AT = datetime(2026, 11, 24, tzinfo=UTC)


def write(shelf, version):
    shelf.followers.write(500, 7, Row(version, True, AT))


def versions(shelf):
    return [decode_row(value).version for _, _, value in shelf.changelog.sent]


async def test_an_event_without_rows_is_confirmed_at_once(shelf):
    await shelf.table.confirm(shelf.process(1, offset=0))


async def test_rows_are_confirmed_by_the_broker_s_answer(shelf):
    shelf.open(1)
    message = shelf.process(1, offset=0)
    write(shelf, 1)
    confirming = asyncio.create_task(shelf.table.confirm(message))
    await asyncio.sleep(0.01)
    assert not confirming.done()
    shelf.changelog.confirm()
    await confirming
    await shelf.table.confirm(message)


async def test_a_confirmation_that_does_not_come_is_waited_for_again(shelf, monkeypatch):
    monkeypatch.setattr(changelog, "CONFIRMATION", 0.01)
    shelf.open(1)
    message = shelf.process(1, offset=0)
    write(shelf, 1)
    with pytest.raises(StoreUnavailable):
        await shelf.table.confirm(message)
    shelf.changelog.confirm()
    await shelf.table.confirm(message)
    assert versions(shelf) == [1]


async def test_a_record_that_failed_is_sent_again_with_the_row_as_it_is_by_then(shelf):
    shelf.open(1)
    first = shelf.process(1, offset=0)
    write(shelf, 1)
    second = shelf.process(1, offset=1)
    write(shelf, 2)
    shelf.changelog.fail(0)
    shelf.changelog.confirm(1)
    await shelf.table.confirm(second)

    with pytest.raises(StoreUnavailable):
        await shelf.table.confirm(first)
    assert versions(shelf) == [1, 2, 2]
    shelf.changelog.confirm()
    await shelf.table.confirm(first)


async def test_a_record_that_failed_is_not_sent_from_a_revoked_partition(shelf):
    """Without its database there is no row to send, and a record without one deletes it."""
    shelf.open(1)
    message = shelf.process(1, offset=0)
    write(shelf, 1)
    shelf.changelog.fail()
    shelf.revoke(1)
    with pytest.raises(NotMine):
        await shelf.table.confirm(message)
    assert versions(shelf) == [1]
    assert shelf.table.databases == {}


async def test_rows_of_an_earlier_generation_are_forgotten_and_those_of_this_one_kept(shelf):
    shelf.open(1)
    old = shelf.process(1, offset=0, generation=1)
    write(shelf, 1)
    new = shelf.process(1, offset=0, generation=2)
    write(shelf, 1)
    shelf.app.consumer_generation_id = 2
    await shelf.table.forget(set())

    await asyncio.wait_for(shelf.table.confirm(old), 5)
    confirming = asyncio.create_task(shelf.table.confirm(new))
    await asyncio.sleep(0.01)
    assert not confirming.done()
    shelf.changelog.confirm()
    await confirming


async def test_forgetting_while_somebody_waits_harms_nobody(shelf):
    shelf.open(1)
    message = shelf.process(1, offset=0, generation=1)
    write(shelf, 1)
    confirming = asyncio.create_task(shelf.table.confirm(message))
    await asyncio.sleep(0)
    shelf.app.consumer_generation_id = 2
    await shelf.table.forget(set())
    shelf.changelog.confirm()
    await confirming


async def test_a_confirmation_stores_the_changelog_s_offset(shelf):
    shelf.open(1)
    message = shelf.process(1, offset=0)
    write(shelf, 1)
    shelf.changelog.confirm(offset=41)
    assert shelf.table.persisted_offset(message.tp) == 41


async def test_a_late_confirmation_does_not_open_a_revoked_database(shelf):
    shelf.open(1)
    shelf.process(1, offset=0)
    write(shelf, 1)
    shelf.revoke(1)
    shelf.changelog.confirm()
    assert shelf.table.databases == {}


async def test_faust_s_own_table_opens_it(shelf):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    shelf.open(1)
    shelf.process(1, offset=0)
    write(shelf, 1)
    shelf.revoke(1)
    shelf.changelog.confirm()
    Table._on_changelog_sent(shelf.table, shelf.changelog.futures[-1])
    assert set(shelf.table.databases) == {1}


async def test_the_changelog_is_read_as_the_bytes_it_is(shelf):
    """Recovery applies bytes: a record that cannot be decoded would leave the worker un-ready for ever."""
    topic = shelf.table._new_changelog_topic()
    message = shelf.process(1, offset=0)
    message.key, message.value = encode_key(500, 7), encode_row(Row(1, True, AT))
    event = await topic.decode(message, propagate=True)
    assert (event.key, event.value) == (message.key, message.value)
