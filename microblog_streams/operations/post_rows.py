"""The two rows of a post, its text and its place in the author's index, and what is wrong where only one was written.

They go out in one request and are no more atomic than two. A request that was given up is repeated by its event until
it is answered, so neither fault lasts unless something failed that must not. Without the index row no rebuild, backfill
or author page shows the post; with a flag in the index alone its text can still be read by its id.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from microblog_streams.domain.models import Post
from microblog_streams.ports import PostCache, PostStore

#: Posts that are looked at again, or written again, side by side.
PART: Final = 100


class RowKind(StrEnum):
    """What can be wrong with a post's rows."""

    UNINDEXED = "unindexed"  # the text is there, the author's index has no row of it
    UNEMPTIED = "unemptied"  # the index says that it is deleted, the text is there


@dataclass(frozen=True, slots=True, order=True)
class RowFinding:
    """One post whose rows do not agree."""

    kind: RowKind
    post_id: UUID
    author: int


@dataclass(frozen=True)
class PostRows:
    """Compares the rows of posts, and makes both alike."""

    posts: PostStore
    cache: PostCache

    async def look(self, posts: Iterable[Post]) -> set[RowFinding]:
        """Return what is wrong with those of the posts that are not deleted: one read of the index an author."""
        by_author: dict[int, list[UUID]] = defaultdict(list)
        for post in posts:
            if not post.deleted:
                by_author[post.author].append(post.id)
        found = await asyncio.gather(*(self._compare(author, ids) for author, ids in by_author.items()))
        return {finding for findings in found for finding in findings}

    async def look_again(self, findings: Collection[RowFinding]) -> set[RowFinding]:
        """Return those of the findings that are still there."""
        still: set[RowFinding] = set()
        for part in _parts(findings):
            posts = await self.posts.get_many([each.post_id for each in part])
            still |= await self.look(posts.values()) & set(part)
        return still

    async def unindexed(self, author: int, ids: Sequence[UUID]) -> set[UUID]:
        """Return those of an author's posts that have a text and no row in the index. Reads few texts, if any."""
        known = await self.posts.indexed(author, ids)
        posts = await self.posts.get_many([post_id for post_id in ids if post_id not in known])
        return {post.id for post in posts.values() if not post.deleted}

    async def mend(self, findings: Collection[RowFinding]) -> None:
        """Write both rows of each again: of a text without index row as a post, of a flagged one as a deletion."""
        for part in _parts(findings):
            posts = await self.posts.get_many([each.post_id for each in part])
            await asyncio.gather(*(self._write(each, posts.get(each.post_id)) for each in part))

    async def _write(self, finding: RowFinding, post: Post | None) -> None:
        if finding.kind is RowKind.UNEMPTIED or (post and post.deleted):
            await self.cache.delete(finding.post_id, finding.author)
            await self.posts.delete(finding.post_id, finding.author)
        elif post:
            await self.posts.put(post)

    async def _compare(self, author: int, ids: Sequence[UUID]) -> list[RowFinding]:
        known = await self.posts.indexed(author, ids)
        return [
            RowFinding(RowKind.UNEMPTIED if post_id in known else RowKind.UNINDEXED, post_id, author)
            for post_id in ids
            if known.get(post_id, True)
        ]


def _parts(findings: Collection[RowFinding]) -> list[list[RowFinding]]:
    every = sorted(findings)
    return [every[start : start + PART] for start in range(0, len(every), PART)]
