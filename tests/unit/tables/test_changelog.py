"""A row is safe when its changelog record is confirmed; the record that is sent again is the row as it is by then."""

import asyncio
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from faust.tables.table import Table
from faust.types.tuples import TP

from microblog_streams.delivery import stale_changelog_rows
from microblog_streams.delivery.faust_patches import changelog
from microblog_streams.domain.errors import NotMine, StoreUnavailable
from microblog_streams.ports import Row
from tables.followers import decode_row, encode_key, encode_row
from tests.support.waiting import DEADLINE_SECONDS

AT = datetime(2026, 11, 24, tzinfo=UTC)
CHANGELOG = "changelog"
ROW = encode_key(500, 7)


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
    monkeypatch.setattr(changelog, "CONFIRM_SECONDS", 0.01)
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
    await shelf.table.on_partitions_assigned(set())

    await asyncio.wait_for(shelf.table.confirm(old), DEADLINE_SECONDS)
    confirming = asyncio.create_task(shelf.table.confirm(new))
    await asyncio.sleep(0.01)
    assert not confirming.done()
    shelf.changelog.confirm()
    await confirming


async def test_forgetting_during_a_wait_leaves_waiters_unharmed(shelf):
    shelf.open(1)
    message = shelf.process(1, offset=0, generation=1)
    write(shelf, 1)
    confirming = asyncio.create_task(shelf.table.confirm(message))
    await asyncio.sleep(0)
    shelf.app.consumer_generation_id = 2
    await shelf.table.on_partitions_assigned(set())
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


async def test_a_late_confirmation_does_not_move_a_standby_s_offset(shelf):
    """Records before it are not applied here yet: the next owner, which starts at that offset, would miss them."""
    shelf.open(1)
    message = shelf.process(1, offset=0)
    write(shelf, 1)
    shelf.assign(standbys=[1])
    shelf.changelog.confirm(offset=41)
    assert shelf.table.persisted_offset(message.tp) is None


async def test_faust_s_own_table_moves_it(shelf):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    shelf.open(1)
    message = shelf.process(1, offset=0)
    write(shelf, 1)
    shelf.assign(standbys=[1])
    shelf.changelog.confirm(offset=41)
    Table._on_changelog_sent(shelf.table, shelf.changelog.futures[-1])
    assert shelf.table.persisted_offset(message.tp) == 41


def lose_the_lease(shelf):
    shelf.app.heartbeat.answered_at = time.monotonic() - 3_600


def come_back(shelf):
    """Be given the partition again, in the next generation."""
    shelf.app.consumer_generation_id = 2
    shelf.assign(actives=[1])


@pytest.mark.parametrize("away", [lose_the_lease, come_back])
async def test_a_record_that_came_behind_another_worker_s_does_not_move_the_offset(shelf, away):
    """What lies before it is not in this worker's table: a recovery that began behind it would miss an unfollow."""
    shelf.open(1)
    message = shelf.process(1, offset=0)
    write(shelf, 1)
    shelf.changelog.confirm(offset=41)
    write(shelf, 2)
    away(shelf)

    shelf.changelog.confirm(offset=55)

    assert shelf.table.persisted_offset(message.tp) == 41


async def test_a_record_that_was_sent_again_moves_the_offset(shelf):
    shelf.open(1)
    message = shelf.process(1, offset=0)
    write(shelf, 1)
    shelf.changelog.fail()
    with pytest.raises(StoreUnavailable):
        await shelf.table.confirm(message)

    shelf.changelog.confirm(offset=41)

    assert shelf.table.persisted_offset(message.tp) == 41


def logged(shelf, *partitions):
    """Return a changelog record of an edge in each of the partitions, as recovery gets them."""
    messages = [shelf.process(partition, offset=5) for partition in partitions]
    for message in messages:
        message.tp = TP(CHANGELOG, message.partition)
        message.key, message.value = ROW, encode_row(Row(1, True, AT))
    return [SimpleNamespace(message=message) for message in messages]


async def test_records_are_applied_where_the_partition_is_held_and_nowhere_else(shelf):
    shelf.assign(actives=[1], standbys=[2])
    shelf.table.apply_changelog_batch(logged(shelf, 1, 2, 3))
    assert set(shelf.table.databases) == {1, 2}
    assert all(database.get(ROW) for database in shelf.table.databases.values())


@pytest.mark.parametrize(("has", "stays"), [(None, 1), (1, 1), (2, 2)])
async def test_of_a_changelog_that_lost_its_end_no_record_replaces_a_newer_row(shelf, has, stays):
    shelf.open(1)
    if has is not None:
        shelf.process(1, offset=0)
        write(shelf, has)
    shelf.table.shortened.add(TP(CHANGELOG, 1))
    shelf.table.apply_changelog_batch(logged(shelf, 1))
    assert decode_row(shelf.table.database(1).get(ROW)).version == stays


async def test_of_any_other_changelog_the_last_record_counts(shelf):
    shelf.open(1)
    shelf.process(1, offset=0)
    write(shelf, 2)
    shelf.table.apply_changelog_batch(logged(shelf, 1))
    assert decode_row(shelf.table.database(1).get(ROW)).version == 1


async def test_faust_s_own_table_opens_a_revoked_partition_for_them(shelf):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    shelf.assign(actives=[1])
    Table.apply_changelog_batch(shelf.table, logged(shelf, 1, 3))
    assert set(shelf.table.databases) == {1, 3}


async def test_the_changelog_is_read_as_the_bytes_it_is(shelf):
    """Recovery applies bytes: a record that cannot be decoded would leave the worker un-ready for ever."""
    topic = shelf.table._new_changelog_topic()
    message = shelf.process(1, offset=0)
    message.key, message.value = encode_key(500, 7), encode_row(Row(1, True, AT))
    event = await topic.decode(message, propagate=True)
    assert (event.key, event.value) == (message.key, message.value)


class TestStaleRows:
    """A record that may have reached Kafka after those of the partition's next owner leaves its row stale."""

    @pytest.fixture
    async def message(self, shelf):
        """The event that wrote a row whose record is not confirmed yet."""
        shelf.open(1)
        message = shelf.process(1, offset=0)
        write(shelf, 1)
        return message

    async def stale_rows(self, shelf):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return shelf.table.stale_rows.take(10)

    async def test_a_record_that_is_confirmed_while_the_partition_is_held_leaves_none(self, shelf, message):
        shelf.changelog.confirm()
        await shelf.table.confirm(message)
        await shelf.table.on_partitions_assigned()
        assert await self.stale_rows(shelf) == []

    async def test_a_record_that_is_confirmed_in_a_later_generation_does(self, shelf, message):
        shelf.app.consumer_generation_id = 2
        await shelf.table.on_partitions_assigned()
        shelf.changelog.confirm()
        assert await self.stale_rows(shelf) == [ROW]

    async def test_a_record_that_is_confirmed_during_a_rebalance_does(self, shelf, message):
        shelf.app.rebalancing = True
        shelf.changelog.confirm()
        assert await self.stale_rows(shelf) == [ROW]

    async def test_a_record_that_is_confirmed_after_the_lease_lapsed_does(self, shelf, message):
        """A process that was frozen hears of the confirmation before it hears that it lost the partition."""
        shelf.app.heartbeat.answered_at = time.monotonic() - shelf.app.heartbeat.session
        shelf.changelog.confirm()
        assert await self.stale_rows(shelf) == [ROW]

    async def test_a_record_that_is_confirmed_after_the_worker_left_does(self, shelf, message):
        shelf.app.heartbeat.leaving = True
        shelf.changelog.confirm()
        assert await self.stale_rows(shelf) == [ROW]

    async def test_a_record_that_is_given_up_in_a_later_generation_does(self, shelf, message):
        """A time-out is no refusal: Kafka may have it in a connection, and take it yet."""
        shelf.app.consumer_generation_id = 2
        await shelf.table.on_partitions_assigned()
        shelf.changelog.fail()
        assert await self.stale_rows(shelf) == [ROW]

    async def test_a_record_given_up_after_a_resend_leaves_its_row_stale(self, shelf, message):
        """Of two connections Kafka may read the newer one first. Before that, asking again would only add to it."""
        shelf.changelog.fail()
        with pytest.raises(StoreUnavailable):
            await shelf.table.confirm(message)
        assert await self.stale_rows(shelf) == []
        shelf.changelog.confirm()
        await shelf.table.confirm(message)
        assert await self.stale_rows(shelf) == [ROW]

    async def test_a_record_given_up_after_the_generation_leaves_its_row_stale(self, shelf, message):
        shelf.changelog.fail()
        await asyncio.sleep(0)
        shelf.app.consumer_generation_id = 2
        await shelf.table.on_partitions_assigned()
        assert await self.stale_rows(shelf) == [ROW]

    async def test_a_record_that_was_sent_again_may_be_late_too(self, shelf, message):
        shelf.changelog.fail()
        with pytest.raises(StoreUnavailable):
            await shelf.table.confirm(message)
        shelf.app.heartbeat.leaving = True
        shelf.changelog.confirm()
        assert await self.stale_rows(shelf) == [ROW]

    async def test_the_stale_rows_are_bounded_and_the_overflow_is_logged(self, shelf, monkeypatch, caplog):
        monkeypatch.setattr(stale_changelog_rows, "MAX_ROWS", 3)
        shelf.table.stale_rows.add([bytes([number]) for number in range(5)])
        assert len(shelf.table.stale_rows) == 3
        assert "rows_in_doubt_forgotten count=2" in caplog.text

    async def test_the_edges_of_rows_are_told_without_tombstones(self, shelf):
        assert shelf.followers.edges([encode_key(500, 7), encode_key(500, 0)]) == [(7, 500)]
