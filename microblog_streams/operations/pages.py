"""Pages: part of an ordered list, with the positions of the pages around it. web/ turns positions into cursors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from uuid import UUID

T = TypeVar("T")
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Page(Generic[T, P]):
    """Items in order. ``next`` continues after the last item, ``prev`` before the first; None: there are no more.

    A page that is not ``whole`` may lack items between those it has, and has no positions: read it again.
    """

    items: Sequence[T]
    next: P | None = None
    prev: P | None = None
    whole: bool = True


class Shown(Protocol):
    """An item whose id is its position."""

    @property
    def id(self) -> UUID:
        """The post's id."""
        ...


S = TypeVar("S", bound=Shown)


def timeline_below(page: Page[S, UUID], before: UUID | None) -> Page[S, UUID]:
    """Add the position of newer posts: above the first post, else above ``before``."""
    if page.items:
        return Page(page.items, page.next, prev=page.items[0].id)
    return Page(page.items, page.next, prev=None if before is None else _beside(before, above=False))


def timeline_above(items: Sequence[S], after: UUID) -> Page[S, UUID]:
    """Return the page of the posts next above ``after``."""
    if not items:
        return Page(items, next=_beside(after, above=True), prev=after)
    return Page(items, next=items[-1].id, prev=items[0].id)


def _beside(position: UUID, above: bool) -> UUID:
    """Return the position whose page begins with ``position`` itself: pages exclude their own position."""
    return UUID(int=position.int + 1 if above else position.int - 1)
