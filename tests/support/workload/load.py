"""The load: so many calls a second, over whichever workers serve, on a thread of its own."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import aiohttp
import uvloop

from tests.support.workload.acts import Acts
from tests.support.workload.caller import TIMEOUT_SECONDS, Caller
from tests.support.workload.crowd import Crowd
from tests.support.workload.gateway import Gateway
from tests.support.workload.history import Edge, History
from tests.support.workload.memory import Lost, Memory, reset

#: Calls a second.
RATE = 200
#: Three posts to each follow or unfollow.
POSTS_AND_FOLLOWS = ("post", "post", "post", "follow")
#: Calls that are under way at most. Where the workers are slower than the rate, the rate falls.
IN_FLIGHT = 64
#: Seconds by which calls are late at most and still made up for.
ARREARS = 0.5


class Load(threading.Thread):
    """Begins on entry, ends on exit: what is under way then is waited for."""

    def __init__(
        self,
        people: list[int],
        edges: list[Edge],
        rate: int = RATE,
        pattern: Sequence[str] = POSTS_AND_FOLLOWS,
        in_flight: int = IN_FLIGHT,
        tries: int = 1,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """``timeout_seconds`` is that of one try."""
        super().__init__(daemon=True)
        self._rate, self._pattern, self._in_flight, self._tries = rate, pattern, in_flight, tries
        self._timeout_seconds = timeout_seconds
        self.history = History(people=set(people))
        self.seconds = 0.0
        self.gateway = Gateway()
        self._crowd = Crowd(list(people), edges, random.Random(7))
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._still = threading.Event()
        self._under_way = 0

    @property
    def people(self) -> list[int]:
        """Everybody who ever took part."""
        return sorted(self.history.people)

    @property
    def answered(self) -> int:
        """How many calls were answered well."""
        return sum(self.history.answered.values())

    def call(self, url: str) -> None:
        """Send this worker its share from now on."""
        self.gateway.add(url)

    def call_no_more(self, url: str) -> None:
        """Send this worker nothing from now on."""
        self.gateway.remove(url)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Within the block no call is under way, and none begins."""
        self._still.set()
        try:
            deadline = time.monotonic() + 5 * self._timeout_seconds
            while self._under_way:
                assert time.monotonic() < deadline, "calls did not end"
                time.sleep(0.05)
            yield
        finally:
            self._still.clear()

    def remember(self) -> Memory:
        """Return what PostgreSQL stores of it. To be called within ``still``."""
        return Memory.of(self.history)

    def forget_since(self, kept: Memory) -> Lost:
        """Go on as if PostgreSQL had committed nothing since. To be called within ``still``."""
        return reset(self.history, self._crowd, kept)

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
        self.join(5 * self._timeout_seconds)
        assert not self.is_alive(), "calls did not end"
        if self._failure is not None:
            raise self._failure

    async def _call_on(self) -> None:
        """Begin each call when it is due."""
        room, due = asyncio.Semaphore(self._in_flight), time.monotonic()
        timeout = aiohttp.ClientTimeout(total=self._timeout_seconds)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            # A call that got no answer is not to be sent twice behind our back.
            session._retry_connection = False
            caller = Caller(session, self.gateway, self.history, self._ends, self._tries)
            acts = Acts(caller, self._crowd, self.history)
            for number in count():
                if self._over.is_set():
                    return
                await room.acquire()
                self._under_way += 1  # before `_still` is read: else a call could begin after `still` saw none
                if self._still.is_set():
                    self._ended(room)
                    await asyncio.sleep(ARREARS)
                    continue
                act = getattr(acts, self._pattern[number % len(self._pattern)])
                group.create_task(act(number)).add_done_callback(lambda _: self._ended(room))
                due = max(due + 1 / self._rate, time.monotonic() - ARREARS)
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _ended(self, room: asyncio.Semaphore) -> None:
        self._under_way -= 1
        room.release()

    def _ends(self) -> bool:
        return self._over.is_set() or self._still.is_set()
