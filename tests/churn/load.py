"""The load: so many posts, follows and unfollows a second, over whichever workers serve, on a thread of its own."""

import asyncio
import json
import random
import threading
import time
from itertools import count
from typing import Any

import aiohttp
import uvloop

from benchmarks.expectation import Item
from tests.churn.history import Edge, History

#: Calls a second: three posts to each follow or unfollow.
RATE = 200
#: Calls that are under way at most. Where the workers are slower than the rate, the rate falls.
IN_FLIGHT = 64
#: Seconds of one call.
PATIENCE = 30.0
#: In place of a status: no answer came, or nobody took the call.
NO_ANSWER, REFUSED = 0, -1


class Load(threading.Thread):
    """Begins on entry, ends on exit: what is under way then is waited for."""

    def __init__(self, people: list[int], edges: list[Edge], rate: int = RATE) -> None:
        super().__init__(daemon=True)
        self._rate = rate
        self.history = History()
        self.seconds = 0.0
        self._urls: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self.people = people
        self._idle = edges
        self._random = random.Random(7)
        self._over = threading.Event()
        self._failure: BaseException | None = None

    @property
    def answered(self) -> int:
        """How many calls were answered well."""
        return sum(self.history.answered.values())

    def call(self, url: str) -> None:
        """Send this worker its share from now on."""
        with self._lock:
            self._urls = (*(other for other in self._urls if other != url), url)

    def call_no_more(self, url: str) -> None:
        """Send this worker nothing from now on."""
        with self._lock:
            self._urls = tuple(other for other in self._urls if other != url)

    def run(self) -> None:
        begun = time.monotonic()
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._call_on())
        except BaseException as exc:
            self._failure = exc
        self.seconds = time.monotonic() - begun

    def __enter__(self) -> "Load":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self.join(2 * PATIENCE)
        assert not self.is_alive(), "calls did not end"
        if self._failure is not None:
            raise self._failure

    async def _call_on(self) -> None:
        """Begin each call when it is due; late ones follow as fast as there is room."""
        room = asyncio.Semaphore(IN_FLIGHT)
        begun = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            for number in count():
                if self._over.is_set():
                    return
                await room.acquire()
                call = self._follow(session, number) if number % 4 == 3 else self._post(session, number)
                group.create_task(call).add_done_callback(lambda _: room.release())
                await asyncio.sleep(max(0.0, begun + number / self._rate - time.monotonic()))

    async def _post(self, session: aiohttp.ClientSession, number: int) -> None:
        author, content = self._random.choice(self.people), f"post {number}"
        status, body = await self._answer(session, number, "POST", "/posts/", {"userId": author, "content": content})
        if status == 201:
            self.history.posted(Item(body["postId"], author, content))
        elif status != REFUSED:
            self.history.unanswered_post(author, content)

    async def _follow(self, session: aiohttp.ClientSession, number: int) -> None:
        """Turn an edge over; nobody else does meanwhile, so that its calls have an order."""
        at = self._random.randrange(len(self._idle))
        self._idle[at], self._idle[-1] = self._idle[-1], self._idle[at]
        edge = self._idle.pop()
        following = not self.history.following.get(edge, False)
        method, path = "POST" if following else "DELETE", f"/users/{edge[0]}/follow/{edge[1]}"
        status, _ = await self._answer(session, number, method, path)
        if status == 200:
            self.history.followed(edge, following)
        elif status != REFUSED:
            self.history.unanswered_follow(edge)
        self._idle.append(edge)

    async def _answer(
        self, session: aiohttp.ClientSession, number: int, method: str, path: str, body: object = None
    ) -> tuple[int, Any]:
        """Return status and body. NO_ANSWER may have happened; REFUSED did not.

        aiohttp itself sends a DELETE again that got no answer: where that one is refused, the first may have happened.
        """
        urls = self._urls
        try:
            async with session.request(method, urls[number % len(urls)] + path, json=body) as got:
                text = await got.text()
        except aiohttp.ClientConnectorError:
            if method == "DELETE":
                return NO_ANSWER, None
            self.history.refused += 1
            return REFUSED, None
        except (aiohttp.ClientError, TimeoutError):
            return NO_ANSWER, None
        if got.status not in (200, 201, 503):
            self.history.strange.append(f"{method} {path}: {got.status} {text}")
        return got.status, json.loads(text) if got.status == 201 else None
