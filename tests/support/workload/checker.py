"""What the calls of a history imply for every timeline, and how far what was read is from it.

A call that was never answered may have happened or not. Which of the two is decided here, from the author's own
timeline, from the list of followees and from who is there: then it must hold for every timeline alike.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.expectation import Item
from tests.support.workload.history import History
from tests.support.workload.report import DOUBLED, EDGE, PERSON, Finding, Report


@dataclass(frozen=True)
class Found:
    """What is read in the end: of everybody who is there, their whole timeline, newest first, and whom they follow."""

    timelines: Mapping[int, Sequence[Item]]
    followees: Mapping[int, set[int]]


@dataclass(frozen=True)
class Checker:
    """Compares."""

    history: History
    found: Found

    def report(self) -> Report:
        """Compare everybody's whole timeline, and who is there and follows whom, with what the calls imply."""
        report = Report(findings=[*self._wrong_people(), *self._wrong_edges(), *self._twice()])
        posts = {author: self._decided(author) for author in self.found.timelines}
        for reader, timeline in self.found.timelines.items():
            authors = {reader, *self.found.followees[reader]} & posts.keys()
            wanted = set().union(*(posts[author] for author in authors))
            report.add(reader, sorted(wanted, reverse=True), timeline, self._why(timeline, authors))
        return report

    def _own(self, author: int) -> set[Item]:
        return {item for item in self.found.timelines[author] if item.author == author}

    def _decided(self, author: int) -> set[Item]:
        """Return the author's posts that are there: of those without an answer, what their own timeline says."""
        history, seen = self.history, self._own(author)
        posts = {item for item in history.posts[author] if item.post_id not in history.deleted}
        unsure = {item for item in posts if item.post_id in history.unsure_deleted}
        return (posts - unsure) | (unsure & seen) | self._happened(author)

    def _happened(self, author: int) -> set[Item]:
        """Return posts without an answer that are there."""
        return {item for item in self._own(author) if item.content in self.history.unsure_posts[author]}

    def _twice(self) -> list[Finding]:
        """Return posts without an answer that happened twice, each under an id of its own."""
        happened = [item for author in self.found.timelines for item in self._happened(author)]
        counts = Counter((item.author, item.content) for item in happened)
        twice = [item for item in sorted(happened) if counts[item.author, item.content] > 1]
        return [Finding(DOUBLED, item.author, item.author, item.post_id, "under two ids") for item in twice]

    def _wrong_people(self) -> list[Finding]:
        history, there = self.history, self.found.timelines.keys()
        back = [Finding(PERSON, person, why="deleted, and there") for person in sorted(history.gone & there)]
        lost = sorted(history.people - history.gone - history.unsure_gone - there)
        return back + [Finding(PERSON, person, why="not deleted, and not there") for person in lost]

    def _wrong_edges(self) -> list[Finding]:
        history, there = self.history, self.found.timelines.keys()
        sure = {edge: on for edge, on in history.following.items() if edge not in history.unsure_edges}
        wanted = {edge: on and edge[1] in there for edge, on in sure.items() if edge[0] in there}
        wrong = [edge for edge, on in wanted.items() if (edge[1] in self.found.followees[edge[0]]) != on]
        return [Finding(EDGE, *edge, why=f"must {'' if wanted[edge] else 'not '}be followed") for edge in wrong]

    def _why(self, timeline: Sequence[Item], authors: set[int]) -> dict[str, str]:
        """Return why posts must not be on a timeline, by their ids."""
        other = {item.post_id: "not followed" for item in timeline if item.author not in authors}
        return other | {item.post_id: "deleted" for item in timeline if item.post_id in self.history.deleted}
