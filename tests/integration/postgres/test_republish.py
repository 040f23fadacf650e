"""Deletions of users that are told again, from the real database."""

from datetime import UTC, datetime

from microblog_streams.domain.topics import USER_DELETED
from tests.support.contracts.events import deletion, register, waiting

NOW = datetime(2026, 5, 17, tzinfo=UTC)


async def test_deletions_are_republished_in_pages(users, outbox):
    people = await register(users, 5)
    for user in people[1:4]:
        await users.delete(user, NOW)
    before = await waiting(outbox)

    assert await users.republish_deleted(0, 2) == [(people[1], NOW), (people[2], NOW)]
    assert await users.republish_deleted(people[2], 2) == [(people[3], NOW)]
    assert await users.republish_deleted(people[3], 2) == []

    again = (await waiting(outbox))[len(before) :]
    assert {record.topic for record in again} == {USER_DELETED}
    assert [deletion(record) for record in again] == [deletion(record) for record in before]


async def test_the_number_of_users_is_estimated(users, postgres):
    await register(users, 5)
    await postgres.execute("ANALYZE users")
    assert await users.estimate() == 5
