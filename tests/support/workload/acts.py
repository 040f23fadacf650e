"""What people do: each act chooses who, makes the call, and notes in the history what is known then."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.expectation import Item
from tests.support.workload.caller import NO_ANSWER, Caller, Request
from tests.support.workload.crowd import Crowd
from tests.support.workload.history import Edge, History

#: The status of a follow across a block.
REFUSED = 403
#: Edges to others, and as many from others, of a new user.
EACH = 5


@dataclass
class Acts:
    """The acts by their names; a load makes a pattern of them."""

    caller: Caller
    crowd: Crowd
    history: History

    async def post(self, number: int, key: str | None = None) -> None:
        """Post, as clients do that cannot repeat it."""
        author, content = self.crowd.person(), f"post {number}"
        body = {"userId": author, "content": content}
        request = Request("POST", "/posts/", 201, body, _headers(key), again=key is not None)
        with self._about(author):
            status, made = await self.caller.call(request)
        if status == 201:
            item = Item(made["postId"], author, content)
            self.history.posted(item)
            self.crowd.posts.append(item)
        elif status == NO_ANSWER:
            self.history.unanswered_post(author, content)

    async def post_once(self, number: int) -> None:
        """Post with an Idempotency-Key, again and again until it is answered."""
        await self.post(number, str(uuid.uuid4()))

    async def follow(self, number: int, key: str | None = None) -> None:
        """Turn an edge over, with no other call about it, so that its calls have an order."""
        edge, begun = self.crowd.take_edge(), time.monotonic()
        following = not self.history.following.get(edge, False)
        method, path = "POST" if following else "DELETE", f"/users/{edge[0]}/follow/{edge[1]}"
        good = REFUSED if self.history.block_between(edge) else 200
        request = Request(method, path, good, headers=_headers(key), on_no_answer=lambda: self._set_aside(edge))
        with self._about(*edge):
            status, _ = await self.caller.call(request)
        if status == 200:
            self.history.followed(edge, following, begun)
        elif status == REFUSED:
            self.history.answered["refused follows"] += 1
        self.crowd.give_edge(edge)

    async def follow_once(self, number: int) -> None:
        """Turn an edge over; a follow has an Idempotency-Key, so that a gateway may repeat it."""
        await self.follow(number, str(uuid.uuid4()))

    async def block(self, number: int) -> None:
        """Block a user, or unblock; no other call is about the edges between the two.

        After a try without an answer they are left alone for good: its effect may come late, between any two others.
        """
        edges, unanswered = self.crowd.take_pair(), set[Edge]()
        if not edges:
            return
        pair = self.history.block_between(edges[0])
        method, (blocker, blocked) = ("DELETE", pair) if pair else ("POST", edges[0])
        path = f"/users/{blocker}/block/{blocked}"
        with self._about(blocker, blocked):
            status, _ = await self.caller.call(
                Request(method, path, 200, on_no_answer=lambda: unanswered.update(edges))
            )
        if status == 200:
            self.history.turned_block((blocker, blocked), edges)
        for edge in unanswered:
            self._set_aside(edge)
        if not unanswered:
            self.crowd.give_edges(edges)

    async def delete_post(self, number: int) -> None:
        """Delete a post, mostly a young one that is on its way."""
        item = self.crowd.take_post()
        if item is None:
            return
        with self._about(item.author):
            status, _ = await self.caller.call(Request("DELETE", f"/posts/{item.post_id}", 204, done=404))
        if status == 204:
            self.history.deleted_post(item.post_id)
        elif status == NO_ANSWER:
            self.history.unanswered_deletion(item.post_id)

    async def register(self, number: int, key: str | None = None) -> None:
        """Register a user, who takes part from then on."""
        body = {"username": f"w{uuid.uuid4().hex[:20]}"}
        request = Request("POST", "/users/", 201, body, _headers(key), again=key is not None)
        status, made = await self.caller.call(request)
        if status == 201:
            self.history.registered(made["id"])
            self.crowd.welcome(made["id"], EACH)

    async def register_once(self, number: int) -> None:
        """Register a user with an Idempotency-Key."""
        await self.register(number, str(uuid.uuid4()))

    async def delete_person(self, number: int) -> None:
        """Delete a user whom no other call is about."""
        person = self.crowd.take_person()
        if person is None:
            return
        status, _ = await self.caller.call(Request("DELETE", f"/users/{person}", 204, done=404))
        if status == 204:
            self.history.deleted_person(person)
        elif status == NO_ANSWER:
            self.history.unanswered_end(person)

    async def read(self, number: int) -> None:
        """Read a page of a user's timeline: always in order, and without duplicates."""
        person = self.crowd.person()
        with self._about(person):
            status, page = await self.caller.call(Request("GET", f"/timelines/{person}", 200))
        if status != 200:
            return
        self.history.answered["reads"] += 1
        ids = [post["postId"] for post in page]
        if any(upper <= lower for upper, lower in pairwise(ids)):
            self.history.strange.append(f"the timeline of {person} is out of order: {ids}")

    def _set_aside(self, edge: Edge) -> None:
        self.history.unanswered_follow(edge, time.monotonic())

    @contextmanager
    def _about(self, *people: int) -> Iterator[None]:
        self.crowd.begin(*people)
        try:
            yield
        finally:
            self.crowd.end(*people)


def _headers(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key} if key else {}
