"""``make demo``: a real follower graph, posts by the most followed, and a look at every timeline and post.

Starts a stack of its own below ``.data-demo``, imports a tenth of the people (FULL=1: all), posts as 200 authors, one
post after the other so that each one's time is its own, then as all of them side by side, and compares every timeline,
read over REST, with what the graph file says. Then it searches every post by its words, deletes some and searches again
(SEARCH=0: neither). Ends with exit status 1 where one post is missing, doubled, stray or out of order.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bars import counter
from benchmarks.expectation import Item, Verdict, expected
from benchmarks.figures import milliseconds, percentile
from benchmarks.findable import search_all
from benchmarks.graph import Graph, choose_authors, read
from benchmarks.report import refuse_arguments
from benchmarks.scenes import GRAPH, Imported, Platform, platform
from benchmarks.stage import Stage, play
from microblog_streams.config.settings import exit_with_error
from microblog_streams.domain.errors import SetupError
from microblog_streams.local.jars import Interrupted
from microblog_streams.local.opensearch import OpenSearch

FOLDER = Path(".data-demo")
#: Authors: the most followed, and others drawn by their number of followers.
FOLLOWED, DRAWN, SEED = 100, 100, 2003
#: Part of the people without FULL=1.
FRACTION = 0.1


@dataclass(frozen=True)
class Posted:
    """One post, how many timelines it went to (followers and author), and the seconds to the last of them."""

    item: Item
    deliveries: int
    seconds: float


def main() -> None:
    """Run the demo; exit status 1 for a timeline that is wrong, 3 where it could not run."""
    refuse_arguments()
    fraction = 1.0 if os.environ.get("FULL") == "1" else FRACTION
    try:
        late = [OpenSearch] if _with_search() else []
        good = play(FOLDER, _workers(), lambda stage: _demo(stage, fraction), late=late)
    except SetupError as exc:
        exit_with_error(exc)
    except Interrupted:
        sys.exit(130)
    sys.exit(0 if good else 1)


def _workers() -> int:
    text = os.environ.get("WORKERS") or "1"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 16):
        raise SetupError(f"WORKERS: {text!r} is not a number from 1 to 16")
    return int(text)


def _with_search() -> bool:
    text = os.environ.get("SEARCH") or "1"
    if text not in ("0", "1"):
        raise SetupError(f"SEARCH: {text!r} is neither 0 nor 1")
    return text == "1"


async def _demo(stage: Stage, fraction: float) -> bool:
    graph = read(GRAPH, fraction)
    async with platform(stage) as on:
        imported = await on.load(graph, fraction)
        await on.warm(imported.graph.people)
        posts = await _post(on, imported.graph)
        second = await on.post_at_once([posted.item.author for posted in posts], "A second post")
        by_author = {posted.item.author: [posted.item, second[posted.item.author]] for posted in posts}
        verdict = await _check(on, imported.graph, by_author)
        _print(stage, *_import_lines(imported), *_post_lines(posts), *_verdict_lines(verdict))
        good = verdict.good
        if stage.stack.late:
            items = [item for of_author in by_author.values() for item in of_author]
            searched, after_deletions = await search_all(on, items)
            _print(stage, *_search_lines(items, searched, after_deletions))
            good = good and searched.good and after_deletions.good
        if on.client.retried:
            stage.console.print(f"calls made again after a 503 or no answer: {on.client.retried}", highlight=False)
    return good


def _print(stage: Stage, *lines: str) -> None:
    for line in lines:
        stage.console.print(line, highlight=False, soft_wrap=True)


async def _post(on: Platform, graph: Graph) -> list[Posted]:
    authors = choose_authors(graph, FOLLOWED, DRAWN, SEED)
    posts = []
    with counter(on.stage.console, "posts", len(authors)) as one:
        for number, author in enumerate(authors, 1):
            followers = graph.followers[author]
            item, seconds = await on.post(author, f"Post {number} of {len(authors)}", followers)
            posts.append(Posted(item, len(followers) + 1, seconds))
            one()
    return posts


async def _check(on: Platform, graph: Graph, by_author: Mapping[int, Sequence[Item]]) -> Verdict:
    """Compare everybody's timeline with the file, also of people who must not have got anything."""
    verdict = Verdict()
    for person, found in (await on.timelines(graph.people)).items():
        verdict.add(f"user {person}", expected(graph, by_author, person), found)
    return verdict


def _import_lines(imported: Imported) -> list[str]:
    return [
        "",
        f"people                      {imported.people:,}",
        f"follows                     {imported.follows:,}; {imported.follows / imported.stored:,.0f}/s into "
        f"PostgreSQL, {imported.follows / imported.applied:,.0f}/s until all are in the followers table",
    ]


def _post_lines(posts: list[Posted]) -> list[str]:
    times = [posted.seconds for posted in posts]
    p50, p99 = (milliseconds(percentile(times, percent)) for percent in (50, 99))
    slowest = max(posts, key=lambda posted: posted.seconds)
    return [
        f"posts                       {2 * len(posts)}: {len(posts)} one after the other, then as many side by side,",
        f"                            by the {FOLLOWED} most followed and {DRAWN} others",
        f"                            (drawn by their number of followers, seed {SEED})",
        f"deliveries                  {2 * sum(posted.deliveries for posted in posts):,}, to followers and authors",
        f"from post to last follower  p50 {p50}, p99 {p99}: from sending the request until the last timeline in Redis",
        "                            has it; of the posts one after the other",
        f"slowest post                {milliseconds(slowest.seconds)}, to {slowest.deliveries:,} timelines",
    ]


def _verdict_lines(verdict: Verdict) -> list[str]:
    return [
        f"timelines checked           {verdict.lists:,}: everybody's, over REST, against the file; "
        f"{verdict.expected:,} entries",
        f"missing                     {verdict.missing}",
        f"doubled                     {verdict.doubled}",
        f"stray                       {verdict.stray}",
        f"out of order                {verdict.misplaced}",
        *verdict.told,
    ]


def _search_lines(posts: Sequence[Item], searched: Verdict, after_deletions: Verdict) -> list[str]:
    deleted = searched.expected - after_deletions.expected
    return [
        f"posts searched              {len(posts)}: each of their {searched.lists} texts as a phrase, over REST;",
        f"                            again after {deleted} were deleted",
        f"not found                   {searched.missing}; {after_deletions.missing} after the deletions",
        f"stray or doubled            {searched.stray + searched.doubled}; "
        f"{after_deletions.stray + after_deletions.doubled} after the deletions",
        f"out of order                {searched.misplaced}; {after_deletions.misplaced} after the deletions",
        *searched.told,
        *after_deletions.told,
    ]


if __name__ == "__main__":
    main()
