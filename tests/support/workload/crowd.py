"""Who is there for a load to choose from: people, edges and posts, each of which only one call turns over at a time."""

import random
from collections import Counter
from typing import TypeVar

from benchmarks.expectation import Item
from tests.support.workload.history import Edge

T = TypeVar("T")


class Crowd:
    """Chooses. A deleted user takes part in nothing else from then on."""

    def __init__(self, people: list[int], edges: list[Edge], chance: random.Random) -> None:
        self.people = people
        self._idle = edges
        self._taken: set[Edge] = set()
        self._random = chance
        self._least = len(people) // 2
        #: Calls under way, by the people they are about.
        self._busy: Counter[int] = Counter()
        #: Posts that may be deleted.
        self.posts: list[Item] = []
        self._gone: set[int] = set()

    def person(self) -> int:
        """Choose anybody who is there."""
        return self._random.choice(self.people)

    def take_edge(self) -> Edge:
        """Take an edge that is idle, between people who are there."""
        while True:
            edge = self._pop(self._idle)
            if not self._gone & {*edge}:
                self._taken.add(edge)
                return edge

    def give_edge(self, edge: Edge) -> None:
        """Give an edge back."""
        self._taken.discard(edge)
        self._idle.append(edge)

    def give_edges(self, edges: list[Edge]) -> None:
        """Give edges back."""
        for edge in edges:
            self.give_edge(edge)

    def take_pair(self) -> list[Edge]:
        """Take an edge, and the one that leads back where there is one; none where another call has that one."""
        edge = self.take_edge()
        back = (edge[1], edge[0])
        if back in self._taken:
            self.give_edge(edge)
            return []
        if back not in self._idle:
            return [edge]
        self._idle.remove(back)
        self._taken.add(back)
        return [edge, back]

    def take_post(self) -> Item | None:
        """Take a post of a user who is there, for good; None where there is none."""
        while self.posts:
            post = self._pop(self.posts)
            if post.author not in self._gone:
                return post
        return None

    def take_person(self) -> int | None:
        """Take a user about whom no call is in flight, for good; None where there are not enough."""
        person = self.person()
        if self._busy[person] or len(self.people) <= self._least:
            return None
        self.people.remove(person)
        self._gone.add(person)
        return person

    def welcome(self, person: int, each: int) -> None:
        """Let a new user take part, with edges to others and from others."""
        others = self._random.sample(self.people, min(each, len(self.people)))
        self._idle += [(person, other) for other in others] + [(other, person) for other in others]
        self.people.append(person)

    def forget(self, people: set[int]) -> None:
        """Have people take part in nothing any more."""
        self.people = [person for person in self.people if person not in people]
        self._gone |= people

    def begin(self, *people: int) -> None:
        """Note that a call about these people begins."""
        self._busy.update(people)

    def end(self, *people: int) -> None:
        """Note that it is over."""
        self._busy.subtract(people)

    def _pop(self, items: list[T]) -> T:
        at = self._random.randrange(len(items))
        items[at], items[-1] = items[-1], items[at]
        return items.pop()
