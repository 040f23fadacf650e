"""From ids to posts: what is deleted drops out and the page is filled up; what cannot be read is never left out."""

import pytest

from microblog_streams.domain.errors import StoreUnavailable


@pytest.fixture
async def reader(world):
    """A user who follows ann and bob."""
    reader, ann, bob = await world.people("reader", "ann", "bob")
    await world.follow(reader, ann, bob)
    return reader


async def test_deleted_posts_drop_out_and_the_page_is_filled_up(world, reader):
    posts = await world.write(reader + 1, *"abcdefgh")
    for post in posts[4:7]:
        await world.operations.posts.delete(post)
    page = await world.operations.timelines.older(reader, None, 3)
    assert [item.content for item in page.items] == ["h", "d", "c"]
    assert (await world.operations.timelines.older(reader, page.next, 3)).next is None


async def test_posts_of_deleted_users_drop_out_before_their_events_are_brought_about(world, reader):
    ann, bob = reader + 1, reader + 2
    for author in (ann, bob, ann, bob, bob):
        await world.write(author, f"by {author}")
    await world.operations.users.delete(bob)
    assert [item.author for item in (await world.operations.timelines.older(reader, None, 2)).items] == [ann, ann]


async def test_a_page_of_nothing_but_deleted_posts_is_the_end(world, reader):
    for post in await world.write(reader + 1, *"abcdefgh"):
        await world.operations.posts.delete(post)
    page = await world.operations.timelines.older(reader, None, 3)
    assert (page.items, page.next) == ([], None)


async def test_a_body_that_cannot_be_read_makes_no_shorter_page(world, reader):
    posts = await world.write(reader + 1, *"abc")
    world.post_cache.kept.clear()
    del world.posts.posts[posts[1]]
    with pytest.raises(StoreUnavailable, match=str(posts[1])):
        await world.operations.timelines.older(reader, None, 3)


async def test_without_the_post_store_cached_pages_are_read_and_others_are_not(world, reader):
    posts = await world.write(reader + 1, *"abc")
    world.posts.down = True
    assert len((await world.operations.timelines.older(reader, None, 3)).items) == 3
    del world.post_cache.kept[posts[0]]
    with pytest.raises(StoreUnavailable, match="cassandra"):
        await world.operations.timelines.older(reader, None, 3)


async def test_a_read_fills_the_cache(world, reader):
    await world.write(reader + 1, *"abc")
    world.post_cache.kept.clear()
    await world.operations.timelines.older(reader, None, 3)
    world.posts.down = True
    assert len((await world.operations.timelines.older(reader, None, 3)).items) == 3


async def test_a_read_from_before_a_deletion_does_not_bring_the_post_back(world, reader, meanwhile):
    (post,) = await world.write(reader + 1, "a")
    world.post_cache.kept.clear()
    meanwhile(world.posts, "get_many", lambda: world.operations.posts.delete(post))
    await world.operations.timelines.older(reader, None, 3)
    assert (await world.operations.timelines.older(reader, None, 3)).items == []


async def test_names_that_cannot_be_read_make_no_shorter_page(world, reader):
    await world.write(reader + 1, *"abc")
    del world.user_cache.kept[reader + 1]
    world.database.away = True
    with pytest.raises(StoreUnavailable, match="postgres"):
        await world.operations.timelines.older(reader, None, 3)
