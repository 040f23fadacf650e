"""Everything that PostgreSQL holds is told again, in pages that wait for room in the outbox."""

import asyncio
from datetime import UTC, datetime

import pytest

from microblog_streams.commands import rebuild
from microblog_streams.commands.rebuild import EdgeRepublisher
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.events import EdgeChanged, UserDeleted
from microblog_streams.domain.topics import USER_DELETED, USER_FOLLOW, USER_UNFOLLOW
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.follows import FakeFollows
from tests.support.fakes.outbox import FakeOutbox
from tests.support.fakes.repartition import SilentProgress
from tests.support.waiting import until

AT = datetime(2026, 5, 17, tzinfo=UTC)


class Deleted:
    """Deleted users of a fake database, in pages."""

    def __init__(self, database, *users):
        self.database, self.users = database, users

    async def republish_deleted(self, after, limit):
        page = [(user, AT) for user in self.users if user > after][:limit]
        for user, at in page:
            self.database.add_event(USER_DELETED, UserDeleted(user_id=user, at=at))
        return page


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Pages of three, and an outbox that is full with four."""
    monkeypatch.setattr(rebuild, "PAGE_EVENTS", 3)
    monkeypatch.setattr(rebuild, "MAX_OUTBOX_EVENTS", 4)
    monkeypatch.setattr(rebuild, "POLL_SECONDS", 0.001)


@pytest.fixture
def database():
    """Seven edges, one of which was undone; all of it was published long ago."""
    database = FakeDatabase()
    for user in range(1, 9):
        database.add_user(f"user{user}", f"user{user}")
    for user in range(1, 8):
        database.write_edge(user, user + 1, True, AT)
    database.write_edge(3, 4, False, AT)
    database.outbox.clear()
    return database


@pytest.fixture
def outbox(database):
    return FakeOutbox(database)


@pytest.fixture
def relayed(outbox):
    """Takes what is in the outbox, and keeps it."""
    taken = []

    async def relay():
        records = await outbox.head(100)
        await outbox.remove([record.id for record in records])
        taken.extend(records)
        return taken

    return relay


@pytest.fixture
def run(database, outbox):
    return EdgeRepublisher(FakeFollows(database), Deleted(database, 2, 5, 6, 8), outbox, SilentProgress())


async def through(work, relayed):
    """Do the work while a relay runs; return what that took."""
    task = asyncio.create_task(work)
    while not task.done():
        await relayed()
        await asyncio.sleep(0)
    return await task, await relayed()


async def test_every_edge_is_told_as_it_is_and_without_effects(run, relayed, database):
    count, records = await through(run.edges(), relayed)
    events = [(record.topic, EdgeChanged.model_validate_json(record.value)) for record in records]
    assert count == 7
    assert [(topic, event.follower_id, event.followee_id, event.version) for topic, event in events] == [
        (USER_FOLLOW, 1, 2, 1),
        (USER_FOLLOW, 2, 3, 1),
        (USER_UNFOLLOW, 3, 4, 2),
        (USER_FOLLOW, 4, 5, 1),
        (USER_FOLLOW, 5, 6, 1),
        (USER_FOLLOW, 6, 7, 1),
        (USER_FOLLOW, 7, 8, 1),
    ]
    assert [event.restate for _, event in events] == [True] * 7


async def test_every_deletion_is_told_again(run, relayed):
    count, records = await through(run.deletions(), relayed)
    assert count == 4
    assert [UserDeleted.model_validate_json(record.value).user_id for record in records] == [2, 5, 6, 8]


@pytest.mark.parametrize("what", ["edges", "deletions"])
async def test_while_the_outbox_is_full_nothing_is_added(run, outbox, database, what, relayed):
    for user in (2, 3, 4, 5):
        database.write_edge(user, 1, True, AT)
    task = asyncio.create_task(getattr(run, what)())
    asked = []
    real = outbox.count

    async def count(limit):
        asked.append(limit)
        return await real(limit)

    outbox.count = count
    await until(lambda: len(asked) > 3)
    assert len(database.outbox) == 4
    await outbox.remove([min(database.outbox)])
    await until(lambda: len(database.outbox) == 6)
    task.cancel()


async def test_a_database_that_goes_away_ends_it_and_it_can_be_run_again(run, relayed, database):
    database.away = True
    with pytest.raises(StoreUnavailable, match="postgres"):
        await run.edges()
    database.away = False
    count, _ = await through(run.edges(), relayed)
    assert count == 7
