"""What a restored platform must have of a load, by what was answered before the backup; what of the rest is lost."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

from tests.support.workload.checker import Found
from tests.support.workload.history import Edge, History
from tests.support.workload.load import Load

#: A call about an edge, or about the edges between two.
_ABOUT_EDGE = re.compile(r"/users/(\d+)/(?:follow|block)/(\d+)")


def remember(load: Load) -> History:
    """Return what was answered up to this moment; no call is under way in it."""
    with load.still():
        return deepcopy(load.history)


@dataclass(frozen=True)
class Kept:
    """Compares what is found after a restore with what was answered ``before`` the backup, and until the ``end``."""

    before: History
    end: History
    found: Found

    def wrong(self) -> list[str]:
        """Return what the backup had and the restored platform has not, or has although it was deleted before."""
        return [*self._people(), *self._posts(), *self._edges()]

    def lost(self) -> dict[str, int]:
        """Return how much was answered and is not there, by kind."""
        there = self.found.timelines.keys()
        following = {edge: edge[1] in self.found.followees.get(edge[0], ()) for edge in self._certain(set(there))}
        return {
            "registrations": len(self.end.people - self.end.gone - self.end.unsure_gone - there),
            "posts": len(self._expected(self.end) - self._shown()),
            "follows and unfollows": sum(self.end.following[edge] != on for edge, on in following.items()),
            "deletions of posts": len(self.end.deleted & {post_id for _, post_id in self._shown()}),
            "deletions of users": len(self.end.gone & there),
        }

    def _people(self) -> Iterator[str]:
        there = self.found.timelines.keys()
        wanted = self.before.people - self.end.gone - self.end.unsure_gone
        yield from (f"user {person} is not there" for person in sorted(wanted - there))
        yield from (f"user {person} was deleted, and is there" for person in sorted(self.before.gone & there))

    def _posts(self) -> Iterator[str]:
        shown = self._shown()
        wanted = self._expected(self.before) & self._expected(self.end)
        yield from (f"post {post_id} by {author} is not there" for author, post_id in sorted(wanted - shown))
        deleted = {(author, post_id) for author, post_id in shown if post_id in self.before.deleted}
        yield from (f"post {post_id} by {author} was deleted, and is there" for author, post_id in sorted(deleted))

    def _edges(self) -> Iterator[str]:
        later = {edge for call in self.end.calls[len(self.before.calls) :] for edge in _edges_of(call.call)}
        for edge in sorted(self._certain(self.before.people) - later):
            on = self.before.following.get(edge, False)
            if (edge[1] in self.found.followees.get(edge[0], ())) != on:
                yield f"{edge[0]} must {'' if on else 'not '}follow {edge[1]}"

    def _certain(self, people: set[int]) -> set[Edge]:
        """Return the edges between these people, all of whose calls were answered."""
        people = people - self.end.gone - self.end.unsure_gone
        return {edge for edge in self.end.following if {*edge} <= people} - self.end.unsure_edges.keys()

    def _expected(self, history: History) -> set[tuple[int, str]]:
        gone = self.end.gone | self.end.unsure_gone
        posts = {(author, item.post_id) for author, items in history.posts.items() for item in items}
        deleted = self.end.deleted | self.end.unsure_deleted
        return {(author, post_id) for author, post_id in posts if author not in gone and post_id not in deleted}

    def _shown(self) -> set[tuple[int, str]]:
        """Return the posts that their authors see on their own timelines."""
        own = self.found.timelines.items()
        return {(author, item.post_id) for author, items in own for item in items if item.author == author}


def _edges_of(call: str) -> list[Edge]:
    if (found := _ABOUT_EDGE.search(call)) is None:
        return []
    one, other = map(int, found.groups())
    return [(one, other), (other, one)]
