"""What every Outbox does, real or in memory."""

from datetime import UTC, datetime

from microblog_streams.logs.context import request_id
from tests.support.contracts.events import edge_event, register

NOW = datetime(2026, 5, 17, tzinfo=UTC)


class OutboxContract:
    async def test_the_head_is_the_oldest_records_in_order(self, users, follows, outbox):
        ada, *others = await register(users, 5)
        for other in others:
            await follows.set(ada, other, True, NOW)

        records = await outbox.head(3)

        assert [edge_event(record).followee for record in records] == others[:3]
        assert [record.id for record in records] == sorted(record.id for record in records)
        assert await outbox.count() == 4
        assert await outbox.count(2) == 2
        assert 0 <= await outbox.age() < 60

    async def test_the_newest_and_the_oldest_id_show_what_is_pending(self, users, follows, outbox):
        ada, *others = await register(users, 4)
        assert (await outbox.newest(), await outbox.oldest()) == (0, None)
        for other in others:
            await follows.set(ada, other, True, NOW)
        first, second, third = await outbox.head(10)
        assert (await outbox.newest(), await outbox.oldest()) == (third.id, first.id)

        await outbox.remove([first.id, third.id])

        assert (await outbox.newest(), await outbox.oldest()) == (second.id, second.id)

    async def test_removed_records_are_gone_and_others_are_not(self, users, follows, outbox):
        ada, *others = await register(users, 4)
        for other in others:
            await follows.set(ada, other, True, NOW)
        first, second, third = await outbox.head(10)

        await outbox.remove([first.id, third.id])
        await outbox.remove([])
        await outbox.remove([third.id])

        assert await outbox.head(10) == [second]

    async def test_types_are_those_that_the_log_takes(self, users, follows, outbox):
        ada, bob = await register(users, 2)
        await follows.set(ada, bob, True, NOW)

        (record,) = await outbox.head(1)

        assert (type(record.key), type(record.value)) == (bytes, bytes)
        assert record.headers == {"schema": "1"}

    async def test_an_event_names_the_request_that_committed_it(self, users, follows, outbox):
        ada, bob = await register(users, 2)
        token = request_id.set("8e03978e")
        await follows.set(ada, bob, True, NOW)
        await follows.set(ada, bob, False, NOW)
        request_id.reset(token)

        assert [record.headers for record in await outbox.head(2)] == [{"schema": "1", "request-id": "8e03978e"}] * 2

    async def test_an_empty_outbox_has_no_head(self, outbox):
        assert list(await outbox.head(10)) == []
        assert await outbox.count() == 0
        assert await outbox.age() is None
