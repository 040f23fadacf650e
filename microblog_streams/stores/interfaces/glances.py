"""Glances: what a page of a timeline shows, without the texts, for callers who have seen it before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A post that a page shows: all of it but its text, which never changes."""

    id: UUID
    author: int
    username: str


class GlanceStore(Protocol):
    """Timelines and the caches of posts and users, seen in one call: at one moment, deletions included.

    It knows less than the stores behind it, and says so: None where the list is cold, being built, or ends too early,
    where a cache lacks one of the posts or people, or many of the posts are deleted, and for an owner who is not there.
    """

    async def older(self, user: int, before: UUID | None, count: int) -> Sequence[Glimpse] | None:
        """Return the ``count`` newest that are shown below ``before`` (or at all), and note that it was read."""
        ...

    async def newer(self, user: int, after: UUID, count: int) -> Sequence[Glimpse] | None:
        """Return the ``count`` next above ``after`` that are shown, newest first."""
        ...
