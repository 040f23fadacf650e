"""Who follows whom, in memory."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from microblog_streams.domain.errors import TooManyFollowees
from microblog_streams.domain.models import Edge, IdempotencyKey, User
from tests.support.fakes.database import FakeDatabase


class FakeFollows:
    """The ``FollowStore`` of a fake database."""

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database

    async def set(
        self,
        follower: int,
        followee: int,
        following: bool,
        at: datetime,
        idempotency_key: IdempotencyKey | None = None,
        max_followees: int = 0,
    ) -> Edge:
        self.database.check()
        stored = self.database.edges.get((follower, followee), Edge(follower, followee, False, 0, at))
        if idempotency_key and self.database.seen(follower, idempotency_key):
            return stored
        if following:
            self.database.require(follower, followee)
            self.database.refuse_blocked(follower, followee)
            if max_followees and not stored.following and len(await self.followees(follower)) >= max_followees:
                raise TooManyFollowees(max_followees)
        if idempotency_key:
            self.database.keep(follower, idempotency_key)
        if stored.following == following:
            return stored
        return self.database.write_edge(follower, followee, following, at)

    async def follows(self, follower: int, followee: int) -> bool:
        self.database.check()
        edge = self.database.edges.get((follower, followee))
        return edge is not None and edge.following

    async def republish(self, edges: Collection[tuple[int, int]]) -> int:
        self.database.check()
        known = [self.database.edges[edge] for edge in edges if edge in self.database.edges]
        for edge in known:
            self.database.publish(edge)
        return len(known)

    async def correct(self, claims: Sequence[Edge]) -> int:
        self.database.check()
        ahead = 0
        for claim in claims:
            stored = self.database.edges.get((claim.follower, claim.followee))
            known = (stored.version, stored.following) if stored else (0, False)
            if known[0] < claim.version or (known[0] == claim.version and known[1] != claim.following):
                ahead += 1
                self.database.write_edge(claim.follower, claim.followee, known[1], datetime.now(UTC), claim.version)
        return ahead

    async def republish_page(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        edges = await self.edges_page(after, limit)
        for edge in edges:
            self.database.publish(edge, restate=True)
        return edges

    async def followees(self, follower: int) -> Sequence[int]:
        self.database.check()
        return sorted(
            edge.followee
            for edge in self.database.edges.values()
            if edge.follower == follower and edge.following and edge.followee in self.database.users
        )

    async def followees_page(self, follower: int, after: int, limit: int) -> Sequence[User]:
        followees = await self.followees(follower)
        return [found for user in followees if user > after and (found := self.database.shown(user))][:limit]

    async def followers_page(self, followee: int, after: int, limit: int) -> Sequence[User]:
        self.database.check()
        followers = sorted(e.follower for e in self.database.edges.values() if e.followee == followee and e.following)
        return [found for user in followers if user > after and (found := self.database.shown(user))][:limit]

    async def edges_page(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        self.database.check()
        edges = sorted((edge.followee, edge.follower) for edge in self.database.edges.values())
        return [self.database.edges[a, b] for b, a in edges if (b, a) > after][:limit]
