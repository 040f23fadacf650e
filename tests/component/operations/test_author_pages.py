"""An author's pages: what one replica has missed is on them, as a reader who goes on from a page never comes back."""

import pytest

from tests.support.fakes.posts import FakePosts
from tests.support.fakes.world import World


class Replicas(FakePosts):
    """Of three replicas one has missed the ``behind``; a read of fewer than two may be answered by that one."""

    def __init__(self):
        super().__init__()
        self.behind = set()

    async def newest(self, author, before, limit, strong=True):
        ids = await super().newest(author, before, limit)
        return ids if strong else [post_id for post_id in ids if post_id not in self.behind]


@pytest.fixture
def world():
    return World(posts=Replicas())


async def test_a_cursor_passes_no_post_that_a_replica_has_missed(world):
    (ann,) = await world.people("ann")
    posts = await world.write(ann, *"abcdef")
    world.posts.behind.add(posts[4])

    first = await world.operations.posts.by_author(ann, None, 2)
    world.posts.behind.clear()
    second = await world.operations.posts.by_author(ann, first.next, 2)

    assert [item.content for page in (first, second) for item in page.items] == [*"fedc"]
