"""What the search needs of an index: the port that the engine's store and the fake implement.

Every method may raise StoreUnavailable. Results are ids alone; texts and names come from the post and user stores, so
that nothing deleted is ever shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from microblog_streams.domain.errors import MicroblogError
from microblog_streams.search.documents import Write
from microblog_streams.search.query import NameQuery, Query


class Rejected(MicroblogError):
    """The engine will never take this document: it contradicts the mapping."""


@dataclass(frozen=True, slots=True)
class PostFilter:
    """A query whose authors are known: ``from:`` names a user, whose id the index has."""

    query: Query
    #: The post's author; None: anyone.
    author: int | None = None
    #: Never these.
    not_by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TagUse:
    """How often a hashtag was used in a period."""

    tag: str
    #: Distinct authors, estimated where they are many.
    authors: int
    posts: int


class SearchIndex(Protocol):
    """The documents of posts and users, and how they are found."""

    async def write(self, writes: Sequence[Write]) -> Sequence[Exception | None]:
        """Write documents; return for each None (it is there, or a newer version), StoreUnavailable or Rejected."""
        ...

    async def refresh(self) -> None:
        """Make all documents that were written findable at once, which else takes a second."""
        ...

    async def newest(self, wanted: PostFilter, before: UUID | None, limit: int) -> Sequence[UUID]:
        """Return the newest ``limit`` posts below ``before`` (None: of all), newest first."""
        ...

    async def best(self, wanted: PostFilter, limit: int) -> Sequence[UUID]:
        """Return the ``limit`` posts that match best, the best first and newest first among equals."""
        ...

    async def users(self, wanted: NameQuery, limit: int) -> Sequence[int]:
        """Return users: of this name, then with a name that begins so, then with a similar one.

        Those with more followers come first among equals, then older users.
        """
        ...

    async def tags(self, since: datetime, until: datetime, limit: int) -> Sequence[TagUse]:
        """Return the hashtags with the most distinct authors, of posts from ``since`` up to ``until`` (exclusive)."""
        ...
