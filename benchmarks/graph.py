"""The follower graph as the file has it, read here anew: what the demo expects must not come from the system's parser.

Only files without faults are read; what the system does with faulty ones is tested elsewhere.
"""

import gzip
import heapq
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Graph:
    """Who follows whom. Everybody who has an edge is a key of both mappings."""

    followees: Mapping[int, frozenset[int]]
    followers: Mapping[int, frozenset[int]]

    @classmethod
    def of(cls, edges: Iterable[Edge]) -> "Graph":
        """Make a graph of pairs (follower, followee)."""
        followees: dict[int, set[int]] = defaultdict(set)
        followers: dict[int, set[int]] = defaultdict(set)
        for follower, followee in edges:
            followees[follower].add(followee)
            followers[followee].add(follower)
        people = sorted(followees.keys() | followers.keys())
        return cls(
            {person: frozenset(followees.get(person, ())) for person in people},
            {person: frozenset(followers.get(person, ())) for person in people},
        )

    @property
    def people(self) -> list[int]:
        """Everybody, in ascending order."""
        return sorted(self.followees)

    @property
    def follows(self) -> int:
        """The number of edges."""
        return sum(map(len, self.followees.values()))

    @property
    def by_followers(self) -> list[int]:
        """Everybody, the most followed first; of equals the lower number first."""
        return sorted(self.followers, key=lambda person: (-len(self.followers[person]), person))

    def renamed(self, names: Mapping[int, int]) -> "Graph":
        """Return the graph with other numbers. Raises KeyError for a person without one."""
        return Graph.of((names[a], names[b]) for a, followees in self.followees.items() for b in followees)


def read(path: Path, fraction: float = 1.0) -> Graph:
    """Read lines "a b" (a follows b) of a gzip file; ``fraction`` keeps that part of the people, by lowest number."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        edges = [(int(a), int(b)) for a, b in (line.split() for line in file if not line.startswith("#"))]
    people = sorted({person for edge in edges for person in edge})
    last = people[round(len(people) * fraction) - 1]
    return Graph.of(edge for edge in edges if max(edge) <= last)


def choose_authors(graph: Graph, most_followed: int, drawn: int, seed: int) -> list[int]:
    """Return the most followed people, then others drawn by their number of followers, without putting back.

    Drawn by the keys of Efraimidis and Spirakis (2006): the largest of random ** (1 / weight) win.
    """
    ranked = graph.by_followers
    rng = random.Random(seed)  # noqa: S311 - a draw that can be repeated, not a secret
    rest = [person for person in ranked[most_followed:] if graph.followers[person]]
    keys = {person: rng.random() ** (1 / len(graph.followers[person])) for person in rest}
    return ranked[:most_followed] + heapq.nlargest(drawn, rest, key=keys.__getitem__)
