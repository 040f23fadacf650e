"""What a timeline or the results of a search must hold, and how far what was read is from it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from benchmarks.graph import Graph

#: Wrong lists of which a verdict keeps the names.
_TOLD = 10


class Item(NamedTuple):
    """A post as REST answers it. Ids in their text form compare as the ids themselves do."""

    post_id: str
    author: int
    content: str


@dataclass(slots=True)
class Verdict:
    """Sums over all lists that were checked. An item that was altered is missing and stray."""

    lists: int = 0
    expected: int = 0
    missing: int = 0
    doubled: int = 0
    stray: int = 0
    misplaced: int = 0
    #: The first lists that are wrong, and how.
    told: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every list is exactly as it must be, and there were any."""
        return self.lists > 0 and not (self.missing or self.doubled or self.stray or self.misplaced)

    def add(self, name: str, wanted: Sequence[Item], found: Sequence[Item]) -> None:
        """Compare one list, newest first."""
        counts, right = Counter(found), set(wanted)
        faults = {
            "missing": len(right - counts.keys()),
            "doubled": sum(count - 1 for count in counts.values()),
            "stray": len(counts.keys() - right),
            "misplaced": sum(a.post_id < b.post_id for a, b in pairwise(found)),
        }
        self.lists += 1
        self.expected += len(wanted)
        for fault, count in faults.items():
            setattr(self, fault, getattr(self, fault) + count)
        if any(faults.values()) and len(self.told) < _TOLD:
            self.told.append(f"{name}: " + ", ".join(f"{count} {fault}" for fault, count in faults.items()))


def expected(graph: Graph, posts: Mapping[int, Sequence[Item]], person: int) -> list[Item]:
    """Return a person's timeline: what they and their followees wrote (``posts`` by author), newest first."""
    authors = [author for author in posts if author == person or author in graph.followees[person]]
    return sorted((item for author in authors for item in posts[author]), reverse=True)
