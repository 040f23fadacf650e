"""A post's two rows: where one of them is missing or behind, it is found, and both are written again."""

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.operations.audit import PostRows, RowFinding, RowKind


@pytest.fixture
async def posts(world):
    """Eight posts of ann (1), oldest first, of which the last is deleted."""
    await world.people("ann", "bob")
    posts = await world.write(1, *"abcdefgh")
    await world.operations.posts.delete(posts[-1])
    return posts


@pytest.fixture
def rows(world):
    return PostRows(world.posts, world.post_cache)


@pytest.fixture
def look(world, rows):
    async def every():
        return await rows.compare(await world.posts.scan(None, 100))

    return every


def unindexed(post_id):
    return RowFinding(RowKind.UNINDEXED, post_id, 1)


def unemptied(post_id):
    return RowFinding(RowKind.UNEMPTIED, post_id, 1)


async def test_whole_posts_are_no_finding(posts, look):
    assert await look() == set()


async def test_both_faults_are_found_and_mended(world, posts, rows, look):
    world.posts.unindexed.add(posts[2])
    world.posts.flagged.add(posts[4])
    found = await look()
    assert found == {unindexed(posts[2]), unemptied(posts[4])}

    await rows.repair(found)

    assert await look() == set()
    assert await world.posts.newest(1, None, 10) == [posts[at] for at in (6, 5, 3, 2, 1, 0)]
    assert world.posts.posts[posts[2]].content == "c"
    assert world.posts.posts[posts[4]].content == ""
    assert world.post_cache.kept[posts[4]].deleted


async def test_a_post_without_a_text_is_written_from_the_cache_or_else_deleted(world, posts, rows):
    """As a backup of Cassandra leaves it that copied the bodies before the index."""
    world.posts.textless.update(posts[2:4])
    del world.post_cache.kept[posts[3]]
    reading = world.operations.posts.by_author(1, None, 10)
    with pytest.raises(StoreUnavailable, match=f"post {posts[3]} is not readable yet"):
        await reading
    found = await rows.textless(1)
    assert found == {RowFinding(RowKind.TEXTLESS, post_id, 1) for post_id in posts[2:4]}
    assert await rows.compare_again(found) == found

    await rows.repair(found)

    assert await rows.textless(1) == await rows.compare_again(found) == set()
    assert world.posts.posts[posts[2]].content == "c"
    page = await world.operations.posts.by_author(1, None, 10)
    assert [post.content for post in page.items] == [*"gfecba"]


async def test_a_post_that_was_only_on_its_way_is_not_found_again(world, posts, rows, look):
    world.posts.unindexed.update(posts[2:4])
    found = await look()
    await world.posts.put(world.posts.posts[posts[3]])
    assert await rows.compare_again(found) == {unindexed(posts[2])}


async def test_a_repair_brings_back_no_post_deleted_meanwhile(world, posts, rows, look):
    world.posts.unindexed.add(posts[2])
    found = await look()
    await world.operations.posts.delete(posts[2])
    await rows.repair(found)
    assert posts[2] not in await world.posts.newest(1, None, 10)
    assert world.posts.posts[posts[2]].deleted
