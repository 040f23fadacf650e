"""The followers in the index: from the event of a changed user, and from the stores at a rebuild."""

from datetime import UTC, datetime

import pytest

from microblog_streams.domain.events import UserChanged, UserCreated
from microblog_streams.search.documents import Kind
from microblog_streams.search.indexer import Indexer
from microblog_streams.search.query import parse_name
from microblog_streams.search.rebuild import Sources
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.follows import FakeFollows
from tests.support.fakes.posts import FakePosts
from tests.support.fakes.profiles import FakeProfiles
from tests.support.fakes.search import FakeSearchIndex
from tests.support.fakes.users import FakeUsers

NOW = datetime(2026, 5, 17, 12, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def index():
    return FakeSearchIndex()


def changed(user, username, followers):
    return UserChanged(user_id=user, username=username, display_name="", note="", links=(), at=NOW, followers=followers)


async def test_the_event_of_a_changed_user_says_how_many_follow(index):
    indexer = Indexer(index)
    for event in (UserCreated(user_id=1, username="ann", at=NOW), UserCreated(user_id=2, username="anna", at=NOW)):
        await indexer.apply(event, None)
    assert await index.users(parse_name("an"), 9) == [1, 2]

    await indexer.apply(changed(2, "anna", 3), None)

    assert await index.users(parse_name("an"), 9) == [2, 1]


async def test_an_event_of_an_older_worker_counts_none():
    value = changed(1, "ann", 3).model_dump(by_alias=True, mode="json")
    del value["followers"]

    assert UserChanged.model_validate(value).followers == 0


async def test_a_rebuild_and_a_comparison_count_the_followers():
    users = FakeUsers(database := FakeDatabase())
    ann, bob = [(await users.create(name, name)).id for name in ("ann", "bob")]
    await FakeFollows(database).set(bob, ann, True, NOW)
    sources = Sources(FakePosts(), users, FakeProfiles(database))

    pages = [page async for _, page in sources.pages(Kind.USERS, None)]
    present = await sources.present(Kind.USERS, [str(ann), str(bob)])

    assert [{write.ident: write.fields["followers"] for write in page} for page in (*pages, present)] == [
        {str(ann): 1, str(bob): 0}
    ] * 2


async def test_a_suspended_user_is_no_deleted_one_whose_document_no_later_event_would_replace():
    users = FakeUsers(database := FakeDatabase())
    ann, bob, cleo = [(await users.create(name, name)).id for name in ("ann", "bob", "cleo")]
    await users.suspend(ann, NOW)
    await users.delete(cleo, NOW)
    sources = Sources(FakePosts(), users, FakeProfiles(database))

    [page] = [page async for _, page in sources.pages(Kind.USERS, None)]
    present = await sources.present(Kind.USERS, [str(ann), str(bob), str(cleo)])

    assert [write.ident for write in page] == [str(ann), str(bob)]
    assert {write.ident: bool(write.fields) for write in present} == {str(ann): True, str(bob): True, str(cleo): False}
