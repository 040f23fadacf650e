"""Pages: part of an ordered list, and the positions from which it goes on. The web layer makes cursors of positions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

from microblog_streams.domain.ids import post_time

T = TypeVar("T")
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Page(Generic[T, P]):
    """Items in order; ``next`` goes on after the last, ``prev`` above the first. None: there is nothing there.

    A page that is not ``whole`` may lack items between those it has, and leads nowhere: ask for it again.
    """

    items: Sequence[T]
    next: P | None = None
    prev: P | None = None
    whole: bool = True


class PostView(NamedTuple):
    """A post as people see it: with its author's name. A tuple, because a page makes 20 of them."""

    id: UUID
    author: int
    username: str
    content: str

    @property
    def created_at(self) -> datetime:
        """The time in the id (UTC, milliseconds)."""
        return post_time(self.id)


class Shown(Protocol):
    """What a page's positions are made of."""

    @property
    def id(self) -> UUID:
        """The post's id."""
        ...


S = TypeVar("S", bound=Shown)


def timeline_below(page: Page[S, UUID], before: UUID | None) -> Page[S, UUID]:
    """Return a timeline's page with what is newer than it: above its first post, else above where it began."""
    if page.items or before is None:
        return replace(page, prev=page.items[0].id if page.items else None)
    return replace(page, prev=_beside(before, above=False))


def timeline_above(items: Sequence[S], after: UUID) -> Page[S, UUID]:
    """Return a timeline's page of what is next above ``after``."""
    if not items:
        return Page(items, next=_beside(after, above=True), prev=after)
    return Page(items, next=items[-1].id, prev=items[0].id)


def _beside(position: UUID, above: bool) -> UUID:
    """Return the position from which a page begins with ``position`` itself: pages leave out where they go on from."""
    return UUID(int=position.int + 1 if above else position.int - 1)
