"""What every PostStore does. Bind to one with a fixture ``posts``; authors are drawn, so stores may be shared."""

import asyncio
from itertools import permutations
from secrets import randbelow
from uuid import UUID

import pytest

from microblog_streams.domain.ids import MAX_USER_ID, new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.ports import PostStore


def written_by(author: int, count: int) -> list[Post]:
    """Return posts of an author, oldest first."""
    return [Post(new_post_id(), author, f"post {number}") for number in range(count)]


async def put_all(posts: PostStore, written: list[Post]) -> None:
    for post in written:
        await posts.put(post)


class PostStoreContract:
    """The promises of ``interfaces.PostStore``, StoreUnavailable aside."""

    @pytest.fixture
    def author(self) -> int:
        return 1 + randbelow(2**62)

    async def test_a_post_reads_as_it_was_written(self, posts: PostStore, author: int):
        post = Post(new_post_id(), author, "Ünïcode, 👩‍🚀,\n tab\t, quote' and ; too")
        await posts.put(post)
        assert await posts.get_many([post.id]) == {post.id: post}

    async def test_unknown_ids_are_left_out(self, posts: PostStore, author: int):
        written = written_by(author, 60)
        await put_all(posts, written)
        unknown = [new_post_id() for _ in range(40)]
        assert await posts.get_many([*unknown, *(post.id for post in written)]) == {post.id: post for post in written}

    async def test_no_ids_are_no_posts(self, posts: PostStore):
        assert await posts.get_many([]) == {}

    async def test_a_repeated_id_is_returned_once(self, posts: PostStore, author: int):
        (post,) = written_by(author, 1)
        await posts.put(post)
        assert await posts.get_many([post.id] * 25) == {post.id: post}

    async def test_writing_twice_has_the_effect_of_once(self, posts: PostStore, author: int):
        (post,) = written_by(author, 1)
        await put_all(posts, [post, post])
        assert await posts.newest(author, None, 10) == [post.id]

    async def test_concurrently_written_posts_do_not_affect_each_other(self, posts: PostStore, author: int):
        written = [post for number in range(3) for post in written_by(author + number, 10)]
        deleted = written[4]
        await posts.delete(deleted.id, deleted.author)
        await asyncio.gather(*(posts.put(post) for post in [*written, *written]))

        kept = {post.id: post for post in written if post != deleted}
        assert {ident: post for ident, post in (await posts.get_many([*kept])).items() if not post.deleted} == kept
        assert deleted.id not in await posts.newest(author, None, 20)
        assert await posts.newest(author + 1, None, 20) == [post.id for post in reversed(written[10:20])]

    @pytest.mark.parametrize("order", sorted(set(permutations(["put", "put", "delete", "delete"]))))
    async def test_a_deletion_wins_in_any_order(self, posts: PostStore, author: int, order: tuple[str, ...]):
        (post,) = written_by(author, 1)
        for step in order:
            await (posts.put(post) if step == "put" else posts.delete(post.id, author))
        assert await posts.get_many([post.id]) == {post.id: Post(post.id, author, "", deleted=True)}
        assert await posts.newest(author, None, 10) == []

    async def test_a_deletion_may_arrive_before_its_post(self, posts: PostStore, author: int):
        """The flag is there by itself, with the author and no text."""
        post_id = new_post_id()
        await posts.delete(post_id, author)
        assert await posts.get_many([post_id]) == {post_id: Post(post_id, author, "", deleted=True)}

    async def test_a_deletion_leaves_other_posts_alone(self, posts: PostStore, author: int):
        first, second, third = written_by(author, 3)
        await put_all(posts, [first, second, third])
        await posts.delete(second.id, author)
        assert await posts.newest(author, None, 10) == [third.id, first.id]
        assert (await posts.get_many([first.id]))[first.id] == first

    async def test_newest_is_by_id_whatever_the_order_of_writing(self, posts: PostStore, author: int):
        written = written_by(author, 9)
        await put_all(posts, written[1::2] + written[::2])
        assert await posts.newest(author, None, 9) == [post.id for post in reversed(written)]

    async def test_newest_orders_by_all_bits(self, posts: PostStore, author: int):
        """Also where ids share their millisecond, and where signed and unsigned order differ."""
        tops = (0x018000000000, 0x018000000001, 0x7FFFFFFFFFFF, 0xFFFFFFFFFFFF)
        tails = (0, 1, 2**61, 2**62 - 1)
        made = [
            UUID(int=top << 80 | 7 << 76 | middle << 64 | 2 << 62 | tail)
            for top in tops
            for middle in (0, 0x800, 0xFFF)
            for tail in tails
        ]
        await put_all(posts, [Post(post_id, author, "x") for post_id in made])
        ordered = sorted(made, key=lambda post_id: post_id.bytes)
        assert await posts.newest(author, None, 100) == ordered[::-1]
        assert await posts.oldest(author, ordered[0], 100) == ordered[1:]

    async def test_many_users_are_deleted_like_one(self, posts: PostStore, author: int):
        written = written_by(author, 130)
        await put_all(posts, written)
        await posts.delete_all(author, [post.id for post in written[:125]])
        assert await posts.newest(author, None, 200) == [post.id for post in reversed(written[125:])]
        gone = await posts.get_many([post.id for post in written[:125]])
        assert gone == {post.id: Post(post.id, author, "", deleted=True) for post in written[:125]}
        await posts.delete_all(author, [])

    async def test_the_index_lists_an_authors_posts(self, posts: PostStore, author: int):
        written = written_by(author, 5)
        await put_all(posts, written[:4])
        await posts.delete(written[1].id, author)
        ids = [post.id for post in written]
        assert await posts.indexed(author, ids) == {
            post_id: number == 1 for number, post_id in enumerate(ids) if number < 4
        }
        assert await posts.indexed(author + 1, ids) == {}
        assert await posts.indexed(author, []) == {}

    async def test_a_scan_visits_every_post_once(self, posts: PostStore, author: int):
        """In parts, and deleted ones with their flag."""
        written = [post for number in range(5) for post in written_by(author + number, 9)]
        await put_all(posts, written)
        await posts.delete(written[7].id, author)
        expected = [post if at != 7 else Post(post.id, author, "", deleted=True) for at, post in enumerate(written)]
        found: list[Post] = []
        while part := await posts.scan(found[-1].id if found else None, 7):
            found += part
        assert len({post.id for post in found}) == len(found)
        assert {post for post in found if post.id in {one.id for one in written}} == set(expected)

    async def test_newest_goes_on_below_a_position(self, posts: PostStore, author: int):
        written = written_by(author, 5)
        await put_all(posts, written)
        assert await posts.newest(author, written[3].id, 2) == [written[2].id, written[1].id]
        assert await posts.newest(author, written[1].id, 2) == [written[0].id]
        assert await posts.newest(author, written[0].id, 2) == []

    async def test_newest_may_start_below_an_id_that_is_not_there(self, posts: PostStore, author: int):
        first, missing, last = written_by(author, 3)
        await put_all(posts, [first, last])
        assert await posts.newest(author, missing.id, 10) == [first.id]

    async def test_newest_reads_on_past_deleted_posts(self, posts: PostStore, author: int):
        """Fewer than asked for means that there are no more, however many deleted ones lie between."""
        written = written_by(author, 75)
        await put_all(posts, written)
        for post in written[3:70]:
            await posts.delete(post.id, author)
        left = [post.id for post in reversed(written[:3] + written[70:])]
        assert await posts.newest(author, None, 7) == left[:7]
        assert await posts.newest(author, None, 100) == left

    async def test_oldest_goes_on_above_a_position(self, posts: PostStore, author: int):
        written = written_by(author, 5)
        await put_all(posts, written[:3] + written[4:])
        assert await posts.oldest(author, written[0].id, 2) == [written[1].id, written[2].id]
        assert await posts.oldest(author, written[3].id, 2) == [written[4].id]
        assert await posts.oldest(author, written[4].id, 2) == []
        assert await posts.oldest(author, written[0].id, 0) == []

    async def test_oldest_reads_on_past_deleted_posts(self, posts: PostStore, author: int):
        written = written_by(author, 75)
        await put_all(posts, written)
        for post in written[3:70]:
            await posts.delete(post.id, author)
        assert await posts.oldest(author, written[1].id, 4) == [written[i].id for i in (2, 70, 71, 72)]

    async def test_newest_of_none_is_none(self, posts: PostStore, author: int):
        await put_all(posts, written_by(author, 1))
        assert await posts.newest(author, None, 0) == []

    async def test_newest_of_many_authors_keeps_them_apart(self, posts: PostStore, author: int):
        written = {author + at: written_by(author + at, at % 4) for at in range(25)}
        for by_one in written.values():
            await put_all(posts, by_one)
        found = await asyncio.gather(*(posts.newest(one, None, 3) for one in written))
        assert found == [[post.id for post in reversed(by_one)] for by_one in written.values()]

    async def test_newest_keeps_authors_apart(self, posts: PostStore, author: int):
        await put_all(posts, written_by(author, 2))
        assert await posts.newest(author + 1, None, 10) == []

    async def test_the_largest_author_has_posts_too(self, posts: PostStore):
        post = Post(new_post_id(), MAX_USER_ID, "the last")
        await posts.put(post)
        assert (await posts.get_many([post.id]))[post.id] == post
        assert await posts.newest(MAX_USER_ID, None, 1) == [post.id]
