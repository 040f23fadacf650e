"""A round of the load: people register, follow, post and read, until every follower has every post.

As many readers as authors; each reader follows ten authors, and each author has ten followers and writes ten posts: a
reader's newest page of 100 is then exactly what was posted to them. Each round has people of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from benchmarks.load import CONTENT
from benchmarks.peers.contract import PAGE, Caller, Person, Unfit, open_session
from benchmarks.peers.crew import Crew, Figures, Side

FOLLOWERS: Final = 10
#: Posts of an author.
EACH: Final = PAGE // FOLLOWERS
#: Seconds in which follows must show before more is posted to see whether they do, and how often that is done.
TRY, TRIES = 5.0, 12
#: Seconds until posts must have arrived.
ARRIVE: Final = 120.0
#: Clients that look for posts: few, because each look takes a page of the server.
LOOKING: Final = 8

#: Whom each reader follows.
Follows = Mapping[Person, Sequence[Person]]


@dataclass(frozen=True)
class Round:
    """One round on one side, with so many authors; reading takes so many seconds."""

    side: Side
    crew: Crew
    authors: int
    seconds: float
    mark: str = field(default_factory=lambda: uuid4().hex[:12])

    async def figures(self) -> dict[str, Figures]:
        """Play the round; return the figures of its steps (see ``Crew.do``) by their names. Raises Unfit."""
        names = [(f"p{self.mark}{number}",) for number in range(2 * self.authors)]
        _, registered = await self._do("register", names)
        people = await self._ids([name for (name,) in names])
        authors, readers = people[: self.authors], people[self.authors :]
        follows = {reader: _some(authors, place) for place, reader in enumerate(readers)}
        _, followed = await self._do("follow", [(reader, one) for reader in readers for one in follows[reader]])
        await self._until_followed(authors, follows)
        accepted, delivered = await self._post(authors, follows)
        _, read = await self._do("page", [(reader,) for reader in readers], self.seconds)
        return {
            "registered": registered,
            "followed": followed,
            "accepted": accepted,
            "delivered": delivered,
            "read": read,
        }

    async def _ids(self, names: Sequence[str]) -> list[Person]:
        """Return the ids of people in the order of their names, unmeasured."""
        async with open_session() as session:
            found = await Caller(session, self.side.servers[0]).ids(names)
        return [found[name] for name in names]

    async def _until_followed(self, authors: Sequence[Person], follows: Follows) -> None:
        """Return when all follows have their effect. Raises Unfit where they have none.

        A follow is answered before, and need not bring what was posted by then: so something is posted until it comes.
        """
        for number in range(TRIES):
            posts = {author: [f"{self.mark} hello {number} of {author}"] for author in authors}
            await self._do("post", [(author, content) for author, (content,) in posts.items()])
            lacking, _ = await self._arrive(posts, follows, TRY)
            if not lacking:
                return
        raise Unfit(f"{lacking:,} of {len(authors) * FOLLOWERS:,} follows had no effect within {TRY * TRIES:.0f} s")

    async def _post(self, authors: Sequence[Person], follows: Follows) -> tuple[Figures, Figures]:
        """Write all posts, look for them on all timelines; return what it took to accept, and to deliver, them."""
        posts = {
            author: [f"{self.mark} {number} of {author}: {CONTENT}" for number in range(EACH)] for author in authors
        }
        items = [(author, posts[author][number]) for number in range(EACH) for author in authors]
        _, accepted = await self._do("post", items)
        lacking, arrived = await self._arrive(posts, follows, ARRIVE)
        if lacking:
            raise Unfit(f"{lacking:,} of {len(items) * FOLLOWERS:,} deliveries were not there after {ARRIVE:.0f} s")
        cpu = {name: spent + arrived["cpu"][name] for name, spent in accepted["cpu"].items()}
        return accepted, {**accepted, "ended": arrived["ended"], "cpu": cpu}

    async def _arrive(
        self, posts: Mapping[Person, Sequence[str]], follows: Follows, patience: float
    ) -> tuple[int, Figures]:
        """Read every reader's newest page until all that they must have is on it; return how many entries are not."""
        wanted = [
            (reader, [post for followee in followees for post in posts[followee]], patience)
            for reader, followees in follows.items()
        ]
        lacking, figures = await Crew(1, LOOKING).do("arrive", self.side, wanted)
        return sum(lacking), figures

    async def _do(self, name: str, items: Sequence[Any], seconds: float = 0.0) -> tuple[list[Any], Figures]:
        return await self.crew.do(name, self.side, items, seconds)


def _some(authors: Sequence[Person], place: int) -> list[Person]:
    return [authors[(place + number) % len(authors)] for number in range(FOLLOWERS)]
