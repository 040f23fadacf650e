"""Posts: what Cassandra promises."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from microblog_streams.records import Post


class PostStore(Protocol):
    """Posts, in Cassandra. All writes are idempotent and carry the id's time, so their order does not matter."""

    async def put(self, post: Post) -> None:
        """Write a post; never brings back a deleted one."""
        ...

    async def delete(self, post_id: UUID, author: int) -> None:
        """Flag a post as deleted and empty its text, also before it was written."""
        ...

    async def get_many(self, ids: Collection[UUID]) -> Mapping[UUID, Post]:
        """Return those posts that are there, deleted ones with their flag."""
        ...

    async def newest(self, author: int, before: UUID | None, limit: int, strong: bool = True) -> Sequence[UUID]:
        """Return the newest ``limit`` undeleted post ids of an author, older than ``before``, newest first.

        Fewer than ``limit`` means that there are no more. ``strong`` reads at LOCAL_QUORUM, else ONE.
        """
        ...

    async def oldest(self, author: int, after: UUID, limit: int) -> Sequence[UUID]:
        """Return the ``limit`` undeleted post ids of an author next above ``after``, oldest first (LOCAL_QUORUM)."""
        ...
