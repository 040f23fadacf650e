"""The load: so many calls a second, over whichever workers serve, on a thread of its own."""

import asyncio
import random
import threading
import time
from collections.abc import Sequence
from itertools import count

import aiohttp
import uvloop

from tests.workload.acts import Acts
from tests.workload.caller import PATIENCE, Caller
from tests.workload.crowd import Crowd
from tests.workload.gateway import Gateway
from tests.workload.history import Edge, History

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
    ) -> None:
        super().__init__(daemon=True)
        self._rate, self._pattern, self._in_flight, self._tries = rate, pattern, in_flight, tries
        self.history = History(people=set(people))
        self.seconds = 0.0
        self._gateway = Gateway()
        self._crowd = Crowd(list(people), edges, random.Random(7))
        self._over = threading.Event()
        self._failure: BaseException | None = None

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
        self._gateway.add(url)

    def call_no_more(self, url: str) -> None:
        """Send this worker nothing from now on."""
        self._gateway.remove(url)

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
        self.join(5 * PATIENCE)
        assert not self.is_alive(), "calls did not end"
        if self._failure is not None:
            raise self._failure

    async def _call_on(self) -> None:
        """Begin each call when it is due."""
        room, due = asyncio.Semaphore(self._in_flight), time.monotonic()
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            # A call that got no answer is not to be sent twice behind our back.
            session._retry_connection = False
            caller = Caller(session, self._gateway, self.history, self._over.is_set, self._tries)
            acts = Acts(caller, self._crowd, self.history)
            for number in count():
                if self._over.is_set():
                    return
                await room.acquire()
                act = getattr(acts, self._pattern[number % len(self._pattern)])
                group.create_task(act(number)).add_done_callback(lambda _: room.release())
                due = max(due + 1 / self._rate, time.monotonic() - ARREARS)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
