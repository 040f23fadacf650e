"""What was asked, what was answered, and what follows from it for every timeline.

A call that was never answered may have happened or not. Which of the two is settled afterwards, from the author's own
timeline and from the list of followees: then it must hold for every timeline alike.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.expectation import Item, Verdict

#: Follower and followee.
Edge = tuple[int, int]


@dataclass
class History:
    """The calls of a load."""

    posts: dict[int, list[Item]] = field(default_factory=lambda: defaultdict(list))
    #: Contents, which are unique, of posts without an answer, by author.
    unsure_posts: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: The last answered call on each edge: whether it was a follow.
    following: dict[Edge, bool] = field(default_factory=dict)
    #: Edges of which any call was not answered.
    unsure_edges: set[Edge] = field(default_factory=set)
    answered: dict[str, int] = field(default_factory=lambda: {"posts": 0, "follows": 0})
    unsure: int = 0
    #: Calls that no worker took: they never happened.
    refused: int = 0
    #: Answers that no call may have.
    strange: list[str] = field(default_factory=list)

    def posted(self, item: Item) -> None:
        self.posts[item.author].append(item)
        self.answered["posts"] += 1

    def followed(self, edge: Edge, following: bool) -> None:
        self.following[edge] = following
        self.answered["follows"] += 1

    def unanswered_post(self, author: int, content: str) -> None:
        self.unsure_posts[author].add(content)
        self.unsure += 1

    def unanswered_follow(self, edge: Edge) -> None:
        self.unsure_edges.add(edge)
        self.unsure += 1

    def wrong_edges(self, followees: Mapping[int, set[int]]) -> list[Edge]:
        """Return the edges that are not as they were answered."""
        sure = {edge: following for edge, following in self.following.items() if edge not in self.unsure_edges}
        return [edge for edge, following in sure.items() if (edge[1] in followees[edge[0]]) != following]

    def verdict(self, found: Mapping[int, Sequence[Item]], followees: Mapping[int, set[int]]) -> Verdict:
        """Compare everybody's whole timeline, newest first, with what the calls imply."""
        posts = {author: {*self.posts[author], *self._settled(author, found[author])} for author in found}
        verdict = Verdict()
        for person, timeline in found.items():
            wanted = set().union(*(posts[author] for author in {person, *followees[person]}))
            verdict.add(person, sorted(wanted, reverse=True), timeline)
        return verdict

    def _settled(self, author: int, own: Sequence[Item]) -> list[Item]:
        """Return the author's posts without an answer that happened."""
        return [item for item in own if item.author == author and item.content in self.unsure_posts[author]]
