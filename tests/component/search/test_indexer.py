"""What events do to the index, in whatever order they come; the engine finds what it was given before a refresh."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from microblog_streams.domain.events import PostCreated, UserChanged, UserCreated, UserDeleted
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Profile, User
from microblog_streams.search.index import PostFilter
from microblog_streams.search.indexer import Indexer
from microblog_streams.search.query import Query, parse_name
from tests.support.fakes.search import FakeSearchIndex

ANN, BOB = 1, 2


class SlowIndex(FakeSearchIndex):
    """Finds what it was given before the last refresh."""

    def __init__(self):
        super().__init__()
        self.findable: set[UUID] = set()
        self.refreshes = 0

    async def refresh(self):
        self.refreshes += 1
        self.findable = {UUID(ident) for ident in self.documents["posts"]}

    async def newest(self, wanted, before, limit):
        return [ident for ident in await super().newest(wanted, before, limit) if ident in self.findable]


@pytest.fixture
def index():
    return SlowIndex()


@pytest.fixture
def indexer(index):
    return Indexer(index)


def posted(author):
    return PostCreated(post_id=new_post_id(), user_id=author, content="tea", created_at=datetime.now(UTC))


def deleted(user, ago=timedelta()):
    return UserDeleted(user_id=user, at=datetime.now(UTC) - ago)


async def left(index, author):
    await index.refresh()
    return await index.newest(PostFilter(Query(), author=author), None, 100)


async def test_a_deleted_users_posts_go_also_those_of_the_last_second(index, indexer):
    mine, theirs = posted(ANN), posted(BOB)
    for event in (mine, theirs, deleted(ANN)):
        await indexer.apply(event, None)

    assert await left(index, ANN) == []
    assert await left(index, BOB) == [theirs.post_id]


async def test_a_post_that_comes_after_its_authors_deletion_is_a_deletion(index, indexer):
    await indexer.apply(deleted(ANN), None)
    await indexer.apply(posted(ANN), None)

    assert await left(index, ANN) == []


async def test_a_post_of_a_user_who_got_the_same_id_later_is_found(index, indexer):
    await indexer.apply(deleted(ANN, ago=timedelta(hours=1)), None)
    post = posted(ANN)
    await indexer.apply(post, None)

    assert await left(index, ANN) == [post.post_id]


async def test_users_who_are_deleted_at_once_share_a_refresh(index, indexer):
    await asyncio.gather(*(indexer.apply(deleted(user), None) for user in range(1, 51)))

    assert index.refreshes <= 2


async def test_a_profile_that_is_filled_in_at_once_is_found_also_where_the_workers_clock_is_behind(index, indexer):
    """A registration has PostgreSQL's time, a change its worker's; the index refuses what is older than it has."""
    registered = datetime.now(UTC)
    ann = User(ANN, "ann", registered, "Doctor Tea")
    changed = UserChanged.of(Profile(ann), registered - timedelta(milliseconds=20))
    for event in (UserCreated(user_id=ANN, username="ann", at=registered), changed):
        await indexer.apply(event, None)

    assert await index.users(parse_name("doctor"), 10) == [ANN]
