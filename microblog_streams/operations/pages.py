"""Pages: part of an ordered list, and the positions from which it goes on. The web layer makes cursors of positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

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


@dataclass(frozen=True, slots=True)
class PostView:
    """A post as people see it: with its author's name."""

    id: UUID
    author: int
    username: str
    content: str
    created_at: datetime
