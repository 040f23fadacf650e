"""The copy of the followers table: every edge and every deleted author, where the events of that author arrive."""

import asyncio
from datetime import UTC, datetime

import pytest

from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain.ids import encode_user
from microblog_streams.operations.fan_out import TOMBSTONE
from microblog_streams.ports import Row
from microblog_streams.repartition import topics
from microblog_streams.repartition.topics import ChangelogCopy
from tables.followers import decode_key, decode_row
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.follows import FakeFollows

AT = datetime(2026, 5, 17, tzinfo=UTC)
PARTITIONS = 12
CHANGELOG = "microblog.g2-followers-changelog"


class Deleted:
    """The deleted users, in pages."""

    def __init__(self, *users):
        self.users = users

    async def deleted_page(self, after, limit):
        return [(user, AT) for user in self.users if user > after][:limit]


class Producer:
    """Keeps what it is given; each record is confirmed by and by."""

    def __init__(self):
        self.records = []
        self.confirmed = 0

    async def send(self, topic, value, key, partition):
        self.records.append((topic, partition, decode_key(key), decode_row(value)))
        return asyncio.ensure_future(self._confirm())

    async def _confirm(self):
        await asyncio.sleep(0)
        self.confirmed += 1


@pytest.fixture
def database():
    """Ten people, each of whom follows the next two, but for the last edge: that was undone."""
    database = FakeDatabase()
    for user in range(1, 11):
        database.add_user(f"user{user}", f"user{user}")
    for user in range(1, 9):
        for other in (user + 1, user + 2):
            database.write_edge(user, other, True, AT)
    database.write_edge(8, 10, False, AT)
    return database


@pytest.fixture
def producer():
    return Producer()


@pytest.fixture
def copy(database):
    return ChangelogCopy(FakeFollows(database), Deleted(4, 7), 2, PARTITIONS)


@pytest.fixture
def told():
    return []


@pytest.fixture
def report(told, producer):
    async def keep(written):
        told.append((written, producer.confirmed))

    return keep


async def test_every_edge_is_written_as_it_is_also_one_that_was_undone(copy, producer, report, database):
    await copy.write(producer, report)
    rows = {key: row for _, _, key, row in producer.records if key[1] != TOMBSTONE}
    assert rows == {
        (edge.followee, edge.follower): Row(edge.version, edge.following, AT) for edge in database.edges.values()
    }
    assert rows[10, 8] == Row(2, False, AT)


async def test_every_deleted_author_gets_a_tombstone(copy, producer, report):
    await copy.write(producer, report)
    rows = [(key, row) for _, _, key, row in producer.records if key[1] == TOMBSTONE]
    assert rows == [((author, TOMBSTONE), Row(1, False, AT)) for author in (4, 7)]


async def test_rows_go_to_the_new_changelog_to_the_partition_of_their_author_s_events(copy, producer, report):
    await copy.write(producer, report)
    assert {topic for topic, *_ in producer.records} == {CHANGELOG}
    assert [partition for _, partition, *_ in producer.records] == [
        partition_of(encode_user(author), PARTITIONS) for _, _, (author, _), _ in producer.records
    ]


async def test_each_page_is_confirmed_before_the_next_is_read(copy, producer, report, told, monkeypatch):
    monkeypatch.setattr(topics, "PAGE_ROWS", 7)
    assert await copy.write(producer, report) == 18
    assert told == [(7, 7), (14, 14), (16, 16), (18, 18)]
    assert len(producer.records) == 18
