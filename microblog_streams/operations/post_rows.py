"""Checks and repairs the two rows of a post: its body, and its row in the author index.

Both go out in one unlogged batch, which is not atomic. The post's event repeats the write until it is confirmed, so a
difference lasts only where a guarantee failed. Without the index row no rebuild, backfill or author page shows the
post. With the deletion flag in the index alone, the text can still be read by its id.
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

#: Posts compared or written concurrently.
CHUNK_POSTS: Final = 100


class RowKind(StrEnum):
    """How the rows of a post can differ."""

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
    """Compares and repairs the rows of posts."""

    posts: PostStore
    cache: PostCache

    async def compare(self, posts: Iterable[Post]) -> set[RowFinding]:
        """Return the findings among the posts that are not deleted, with one index read per author."""
        by_author: dict[int, list[UUID]] = defaultdict(list)
        for post in posts:
            if not post.deleted:
                by_author[post.author].append(post.id)
        found = await asyncio.gather(*(self._compare(author, ids) for author, ids in by_author.items()))
        return {finding for findings in found for finding in findings}

    async def compare_again(self, findings: Collection[RowFinding]) -> set[RowFinding]:
        """Return the findings that are still there."""
        still: set[RowFinding] = set()
        for part in _parts(findings):
            posts = await self.posts.get_many([each.post_id for each in part])
            still |= await self.compare(posts.values()) & set(part)
        return still

    async def unindexed(self, author: int, ids: Sequence[UUID]) -> set[UUID]:
        """Return the author's posts with a body and no index row. Reads a body only where the index row is missing."""
        known = await self.posts.indexed(author, ids)
        posts = await self.posts.get_many([post_id for post_id in ids if post_id not in known])
        return {post.id for post in posts.values() if not post.deleted}

    async def repair(self, findings: Collection[RowFinding]) -> None:
        """Write both rows again: a body without index row as a post, a flagged one as a deletion."""
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
    return [every[start : start + CHUNK_POSTS] for start in range(0, len(every), CHUNK_POSTS)]
