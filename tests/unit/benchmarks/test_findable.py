"""What the demo calls found: a text's posts and no others, once the indexer has them, and no deleted one."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from benchmarks import findable
from benchmarks.expectation import Item
from microblog_streams.domain.errors import SetupError

FIRST, SECOND, OTHER = (Item("01", 1, "A text"), Item("02", 2, "A text"), Item("03", 1, "Another one"))


class Searched:
    """A client whose index has only some of the posts at first, and knows of deletions or not."""

    def __init__(self, *, late=0, statuses=(200,), forgets=True):
        self.late, self.statuses, self.forgets = late, list(statuses), forgets
        self.posts = [OTHER, SECOND, FIRST]

    async def status(self, path):
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    async def search(self, query):
        self.late -= 1
        return [post for post in self.posts if f'"{post.content}"' == query and (self.late < 0 or post is not SECOND)]

    async def delete(self, post_id):
        if self.forgets:
            self.posts = [post for post in self.posts if post.post_id != post_id]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(findable, "TRY_SECONDS", 0.001)


async def searched(client):
    on = SimpleNamespace(client=client, stage=SimpleNamespace(console=Console(file=io.StringIO())))
    return await findable.search_all(on, [FIRST, SECOND, OTHER])


async def test_posts_are_waited_for_and_deleted_ones_must_not_be_found():
    before, after = await searched(Searched(late=5, statuses=(503, 503, 200)))
    assert (before.good, before.lists, before.expected) == (True, 2, 3)
    assert (after.good, after.lists, after.expected) == (True, 2, 2)


async def test_a_post_that_is_never_found_is_missing(monkeypatch):
    monkeypatch.setattr(findable, "FOUND_SECONDS", 0.05)
    before, _ = await searched(Searched(late=1_000_000))
    assert (before.missing, before.stray) == (1, 0)
    assert before.told == ["search of 'A text': 1 missing, 0 doubled, 0 stray, 0 misplaced"]


async def test_a_deleted_post_that_is_found_is_stray():
    before, after = await searched(Searched(forgets=False))
    assert (before.good, after.stray) == (True, 1)


async def test_an_engine_that_never_answers_is_one_line(monkeypatch):
    monkeypatch.setattr(findable, "ANSWER_SECONDS", 0.05)
    with pytest.raises(SetupError, match="answered with 503"):
        await searched(Searched(statuses=(503,)))
