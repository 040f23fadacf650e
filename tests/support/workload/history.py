"""What was asked and what was answered. A call that was never answered may have happened or not."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from benchmarks.expectation import Item

#: Follower and followee.
Edge = tuple[int, int]
#: Seconds after which a call that was not answered has no effect any more: what a request may take, twice.
LATE = 20.0


@dataclass(frozen=True)
class Call:
    """One try of a call, as the client saw it."""

    at: float
    seconds: float
    call: str
    answer: str


@dataclass
class History:
    """The calls of a load."""

    #: Every try, in the order of the answers.
    calls: list[Call] = field(default_factory=list)
    people: set[int] = field(default_factory=set)
    posts: dict[int, list[Item]] = field(default_factory=lambda: defaultdict(list))
    #: Contents, which are unique, of posts without an answer, by author.
    unsure_posts: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: Ids of posts whose deletion was answered, and of those whose deletion was not.
    deleted: set[str] = field(default_factory=set)
    unsure_deleted: set[str] = field(default_factory=set)
    #: The same of people.
    gone: set[int] = field(default_factory=set)
    unsure_gone: set[int] = field(default_factory=set)
    #: The last answered call on each edge: whether it was a follow.
    following: dict[Edge, bool] = field(default_factory=dict)
    #: Edges with a call that was not answered, and may still have an effect: when it was given up.
    unsure_edges: dict[Edge, float] = field(default_factory=dict)
    #: Who blocks and who is blocked, by the last answered call.
    blocks: set[Edge] = field(default_factory=set)
    answered: Counter[str] = field(default_factory=Counter)
    unsure: int = 0
    #: Calls that no worker took, or that were answered with "nothing was done": they never happened.
    refused: int = 0
    #: Answers that no call may have.
    strange: list[str] = field(default_factory=list)

    def registered(self, person: int) -> None:
        self.people.add(person)
        self.answered["people"] += 1

    def posted(self, item: Item) -> None:
        self.posts[item.author].append(item)
        self.answered["posts"] += 1

    def followed(self, edge: Edge, following: bool, begun: float) -> None:
        """Note an answer; ``begun`` is when the call began."""
        self.following[edge] = following
        self.answered["follows"] += 1
        if begun > self.unsure_edges.get(edge, begun) + LATE:
            del self.unsure_edges[edge]

    def block_between(self, edge: Edge) -> Edge | None:
        """Return the block of one of the two by the other, if there is one."""
        return next((pair for pair in (edge, edge[::-1]) if pair in self.blocks), None)

    def turned_block(self, pair: Edge, edges: Collection[Edge]) -> None:
        """Note an answer: a block, which ends the edges between the two, or its end, which changes none."""
        self.answered["blocks"] += 1
        if pair in self.blocks:
            self.blocks.remove(pair)
        else:
            self.blocks.add(pair)
            self.following.update(dict.fromkeys(edges, False))

    def deleted_post(self, post_id: str) -> None:
        self.deleted.add(post_id)
        self.answered["deletions"] += 1

    def deleted_person(self, person: int) -> None:
        self.gone.add(person)
        self.answered["deletions"] += 1

    def unanswered_post(self, author: int, content: str) -> None:
        self.unsure_posts[author].add(content)
        self.unsure += 1

    def unanswered_follow(self, edge: Edge, at: float) -> None:
        self.unsure_edges[edge] = at
        self.unsure += 1

    def unanswered_deletion(self, post_id: str) -> None:
        self.unsure_deleted.add(post_id)
        self.unsure += 1

    def unanswered_end(self, person: int) -> None:
        self.unsure_gone.add(person)
        self.unsure += 1
