"""Does search find every post by its words, and no deleted one?

Each text is searched over REST as a phrase, page after page, until exactly the posts with that text are found, newest
first, or the time is up: the indexer writes a post after its author was answered. Deletions hold from the next search
on, so after them each text is searched once.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.bars import counter
from benchmarks.client import side_by_side
from benchmarks.expectation import Item, Verdict
from benchmarks.scenes import CLIENTS, Platform
from microblog_streams.domain.errors import SetupError

#: One post of so many is deleted.
POSTS_PER_DELETION: Final = 10
#: Seconds within which the engine must answer, and the last post must be found; seconds between two tries.
ANSWER_SECONDS, FOUND_SECONDS, TRY_SECONDS = 120.0, 60.0, 0.2
#: Any search: its status says whether the engine answers.
_ANY: Final = "/search/posts?q=post"


async def search_all(on: Platform, posts: Sequence[Item]) -> tuple[Verdict, Verdict]:
    """Search every text, delete one post of ten, search again. Raises SetupError where search does not answer."""
    await _until_search_answers(on)
    texts = by_text(posts)
    searched = await _compare(on, texts, "texts searched", FOUND_SECONDS)
    deleted = posts[::POSTS_PER_DELETION]
    for item in deleted:
        await on.client.delete(item.post_id)
    left = {text: [item for item in items if item not in deleted] for text, items in texts.items()}
    return searched, await _compare(on, left, "texts searched after deletions", 0)


def by_text(posts: Iterable[Item]) -> dict[str, list[Item]]:
    """Return the posts of each text, newest first."""
    texts: dict[str, list[Item]] = defaultdict(list)
    for item in sorted(posts, reverse=True):
        texts[item.content].append(item)
    return texts


async def _until_search_answers(on: Platform) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS
    while (status := await on.client.status(_ANY)) != 200:
        if time.monotonic() > deadline:
            raise SetupError(f"search is answered with {status} for {ANSWER_SECONDS:g} s; SEARCH=0 leaves it out")
        await asyncio.sleep(TRY_SECONDS)


async def _compare(on: Platform, texts: Mapping[str, Sequence[Item]], title: str, seconds: float) -> Verdict:
    """Search every text until it is right or the time is up; return what is wrong then."""
    verdict, wanted, deadline = Verdict(), list(texts.items()), time.monotonic() + seconds

    async def search(number: int) -> list[Item]:
        text, posts = wanted[number]
        while True:
            found = await on.client.search(f'"{text}"')
            if found == posts or time.monotonic() > deadline:
                return found
            await asyncio.sleep(TRY_SECONDS)

    with counter(on.stage.console, title, len(wanted)) as one:
        results = await side_by_side(CLIENTS, search, range(len(wanted)), one)
    for number, (text, posts) in enumerate(wanted):
        verdict.add(f"search of {text!r}", posts, results[number])
    return verdict
