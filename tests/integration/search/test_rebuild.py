"""Rebuilding and comparing the index, on the real engine, with posts and users in memory."""

import asyncio
from datetime import UTC, datetime

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post, User
from microblog_streams.search import engine_admin, engine_index
from microblog_streams.search import rebuild as rebuilds
from microblog_streams.search.compare import Comparison
from microblog_streams.search.documents import Kind, deleted_post, deleted_user, post_write, user_write
from microblog_streams.search.engine_admin import IndexAdmin, RebuildOvertaken
from microblog_streams.search.engine_index import EngineIndex
from microblog_streams.search.index import PostFilter
from microblog_streams.search.query import parse, parse_name
from microblog_streams.search.rebuild import Rebuild, Sources
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.posts import FakePosts
from tests.support.fakes.profiles import FakeProfiles
from tests.support.fakes.users import FakeUsers
from tests.support.waiting import until

pytestmark = pytest.mark.integration


class Steps:
    """A progress that keeps nothing."""

    def step(self, text, total=None):
        pass

    def update(self, done, total=None):
        pass


@pytest.fixture(autouse=True)
def known_targets(monkeypatch):
    """What an index knows of the aliases it knows until it is told to read anew, however slow the engine is."""
    monkeypatch.setattr(engine_index, "TARGETS_SECONDS", 600.0)


@pytest.fixture
async def sources():
    posts, users = FakePosts(), FakeUsers(FakeDatabase())
    for name in ("ann", "bob"):
        await users.create(name, name)
    for number in range(25):
        await posts.put(Post(new_post_id(), 1, f"tea {number}"))
    return Sources(posts, users, FakeProfiles(users.database))


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(rebuilds, "PAGE", 10)
    monkeypatch.setattr(rebuilds, "_PAGES_PER_NOTE", 1)


async def at_once():
    """Nothing is on its way."""


async def is_filling(index):
    return bool(await index.indices_behind(index.next_alias(Kind.POSTS)))


async def found(index, query="tea"):
    await index.refresh()
    return set(await index.newest(PostFilter(parse(query)), None, 100))


async def test_a_rebuild_fills_a_new_index_while_writes_go_to_both(index, sources, small_pages):
    late, written = Post(new_post_id(), 2, "tea, written meanwhile"), asyncio.Event()
    rebuild = Rebuild(index, sources, Steps(), written.wait, rate=50, grace_seconds=0.0)

    running = asyncio.create_task(rebuild.run(Kind.POSTS, keep=False))
    await until(lambda: is_filling(index))
    index._targets_read_at = float("-inf")
    assert await index.write([post_write(late)]) == [None]
    written.set()

    assert await running == 25
    assert await found(index) == {*sources.posts.posts, late.id}
    assert list(await index.indices_behind(index.alias(Kind.POSTS))) == [f"{index._prefix}-posts-2"]


async def test_a_writer_that_does_not_know_of_the_switch_writes_into_the_new_index(index, sources, engine, settings):
    late = Post(new_post_id(), 2, "tea, written after the switch")
    indexer = EngineIndex(engine, settings.search_prefix)
    filling = await IndexAdmin(index).begin(Kind.POSTS)
    await indexer.write([deleted_post(new_post_id())])
    await IndexAdmin(index).switch(filling)

    [unknown] = await indexer.write([post_write(late)])

    assert isinstance(unknown, StoreUnavailable)
    assert await found(index) == {late.id}
    assert await indexer.write([post_write(late)]) == [None]


async def test_a_write_makes_no_index_where_one_was_deleted(index, engine, settings):
    await index.write([deleted_post(new_post_id())])
    await engine.call(lambda client: client.indices.delete(index=f"{settings.search_prefix}-posts-1"))

    [refused] = await index.write([post_write(Post(new_post_id(), 1, "tea"))])
    with pytest.raises(StoreUnavailable, match="its indices are not there"):
        await index.write([deleted_post(new_post_id())])

    assert isinstance(refused, StoreUnavailable)
    assert not await index._exists(f"{settings.search_prefix}-posts-1")
    await index.prepare()
    assert await index.write([post_write(Post(new_post_id(), 1, "tea"))]) == [None]


async def test_a_rebuild_that_another_one_has_finished_says_so(index, sources):
    overtaken = await IndexAdmin(index).begin(Kind.POSTS)
    await Rebuild(index, sources, Steps(), at_once, grace_seconds=0.0).run(Kind.POSTS, keep=False)

    with pytest.raises(RebuildOvertaken, match="another reindex"):
        await IndexAdmin(index).fill(overtaken, [post_write(Post(new_post_id(), 1, "tea"))])


async def test_a_post_that_the_indexer_has_read_before_it_was_stored_is_in_the_new_index(index, sources):
    accepted = Post(new_post_id(), 2, "tea, not stored yet")
    await index.write([post_write(accepted)])

    async def stored():
        await sources.posts.put(accepted)

    await Rebuild(index, sources, Steps(), stored, grace_seconds=0.0).run(Kind.POSTS, keep=False)

    assert accepted.id in await found(index)


async def test_a_creation_that_comes_after_a_rebuild_is_refused_where_its_deletion_came_before(
    index, sources, monkeypatch
):
    monkeypatch.setattr(engine_admin, "PAGE_DOCUMENTS", 2)
    gone = [Post(new_post_id(), 1, "tea") for _ in range(5)]
    eve = User(3, "eve", datetime.now(UTC))
    await index.write([*(deleted_post(post.id) for post in gone), deleted_user(eve.id)])
    for kind in Kind:
        await Rebuild(index, sources, Steps(), at_once, grace_seconds=0.0).run(kind, keep=False)
    index._targets_read_at = float("-inf")

    await index.write([*map(post_write, gone), user_write(eve)])

    assert await found(index) == set(sources.posts.posts)
    assert await index.users(parse_name("eve"), 10) == []


async def test_an_interrupted_rebuild_goes_on_where_it_was(index, sources, small_pages):
    class Cut(Exception):
        pass

    class Cutting(Steps):
        def update(self, done, total=None):
            if done == 20:
                raise Cut

    with pytest.raises(Cut):
        await Rebuild(index, sources, Cutting(), at_once, grace_seconds=0.0).run(Kind.POSTS, keep=False)
    assert await found(index) == set()

    again = await Rebuild(index, sources, Steps(), at_once, grace_seconds=0.0).run(Kind.POSTS, keep=True)

    assert again == 15  # ten are noted, and ten more were written and are written again
    assert await found(index) == set(sources.posts.posts)


async def test_a_comparison_finds_and_repairs_what_is_missing_gone_or_old(index, sources):
    missing, gone, *others = sources.posts.posts.values()
    await sources.posts.delete(gone.id, gone.author)
    await index.write([post_write(gone), *map(post_write, others)])
    await index.write([deleted_post(others[0].id)])
    ann, bob = (await sources.users.get_many([1, 2])).values()
    await index.write([user_write(ann._replace(username="anna"), datetime.now(UTC))])
    await index.refresh()

    comparison = Comparison(index, sources, Steps(), recheck_seconds=0.0)
    await comparison.run(Kind.USERS)
    await comparison.run(Kind.POSTS)
    wrong = {ident for _, ident in comparison.wrong}
    await comparison.repair()

    assert wrong == {str(missing.id), str(gone.id), str(others[0].id), str(ann.id), str(bob.id)}
    assert await found(index) == {each.id for each in (missing, *others)}
    assert list(await index.users(parse_name("ann"), 10)) == [1]

    again = Comparison(index, sources, Steps(), recheck_seconds=0.0)
    await again.run(Kind.USERS)
    await again.run(Kind.POSTS)
    assert again.wrong == {}
