"""Readers of live timelines, who connect, break off at random and come back, on whichever workers serve.

They are on a thread and a loop of their own, from before the load until all is quiet. Each reads as the client library
says: after a ``reset`` the timeline is read, and after a break the stream goes on from the last event.
"""

import asyncio
import random
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from itertools import count

import aiohttp
import uvloop

from benchmarks.client import client
from microblog_streams.client import Client, NotFound, TooManyRequests, Unavailable, Unreachable
from tests.support.workload.gateway import Gateway
from tests.support.workload.history import History
from tests.support.workload.live_view import LiveReport, LiveView
from tests.support.workload.report import PERSON, Finding

#: Readers at a time. There are fewer people than readers where there are not enough.
READERS = 8
#: Mean seconds of a connection, and of the break after it.
CONNECTED_SECONDS, AWAY_SECONDS = 3.0, 0.5
#: Seconds for a page with all attempts: then it is asked for at another worker.
PAGE_TIMEOUT_SECONDS = 6.0
#: Seconds between two looks at what is still to come in the end.
PAUSE_SECONDS = 0.5
#: What may pass: the next connection may hold.
PASSING = (TooManyRequests, Unavailable, Unreachable)


class Audience(threading.Thread):
    """Begins on entry, ends on exit."""

    def __init__(self, people: Sequence[int], gateway: Gateway, history: History, chance: random.Random) -> None:
        """Follow some of these people, and others of the history once they are deleted."""
        super().__init__(daemon=True)
        self.report = LiveReport()
        self._gateway, self._history, self._random = gateway, history, chance
        # The last of them is read by two.
        first = chance.sample(sorted(people), min(READERS - 1, len(people)))
        self._views = [LiveView(person, self.report) for person in [*first, *first[-1:]]]
        self._turn = count()
        self._over = threading.Event()
        self._not_there: set[int] = set()
        self._failure: BaseException | None = None

    def __enter__(self) -> "Audience":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self.join(60)
        assert not self.is_alive(), "readers of live timelines did not end"
        if self._failure is not None:
            raise self._failure

    def compare(self, url: str, seconds: float) -> LiveReport:
        """Once all is quiet: wait until every reader has the timeline as it is, at most so long; return the report.

        A signal may have been lost, so this may take as long as a sweep of the logs.
        """
        deadline = time.monotonic() + seconds
        while (wrong := self._differences(url)) and time.monotonic() < deadline and self.is_alive():
            time.sleep(PAUSE_SECONDS)
        self.report.findings += wrong
        left = self._history.people - self._history.gone - self._history.unsure_gone
        lost = sorted(self._not_there & left)
        self.report.findings += [Finding(PERSON, person, why="not deleted, and not there") for person in lost]
        return self.report

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._read_on())
        except BaseException as exc:
            self._failure = exc

    def _differences(self, url: str) -> list[Finding]:
        views = [view for view in self._views if view.person not in self._not_there]
        timelines = asyncio.run(_timelines({view.person for view in views}, url))
        return [finding for view in views for finding in view.differences(timelines.get(view.person, ()))]

    async def _read_on(self) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            readers = [asyncio.create_task(self._reader(number, session)) for number in range(len(self._views))]
            ended = asyncio.create_task(asyncio.to_thread(self._over.wait))
            done, running = await asyncio.wait([*readers, ended], return_when=asyncio.FIRST_COMPLETED)
            for task in running - {ended}:
                task.cancel()
            await asyncio.gather(*running - {ended}, return_exceptions=True)
            for task in done - {ended}:
                await task
            self._over.set()

    async def _reader(self, number: int, session: aiohttp.ClientSession) -> None:
        while True:
            url = self._gateway.choose(next(self._turn))
            if url is not None:
                await self._visit(number, Client(url, session=session, patience=PAGE_TIMEOUT_SECONDS))
            await asyncio.sleep(self._random.expovariate(1 / AWAY_SECONDS))

    async def _visit(self, number: int, caller: Client) -> None:
        view = self._views[number]
        try:
            await _read_if_stale(caller, view)
            async with asyncio.timeout(self._random.expovariate(1 / CONNECTED_SECONDS)):
                await _follow(caller, view)
        except NotFound:
            self._not_there.add(view.person)
            self._views[number] = LiveView(self._another(), self.report)
        except (TimeoutError, *PASSING):
            pass

    def _another(self) -> int:
        there = self._history.people - self._history.gone - self._history.unsure_gone - self._not_there
        return self._random.choice(sorted(there))


async def _follow(caller: Client, view: LiveView) -> None:
    """Take events until the connection is to break off."""
    view.report.connections += 1
    resumed = view.position is not None
    async with aclosing(caller.live(view.person, view.position)) as events:
        async for event in events:
            view.take(event)
            view.report.resumed += resumed and not view.stale
            resumed = False
            await _read_if_stale(caller, view)


async def _read_if_stale(caller: Client, view: LiveView) -> None:
    if view.stale and view.position is not None:
        view.read([str(post.post_id) async for post in caller.timeline(view.person)])


async def _timelines(people: set[int], url: str) -> Mapping[int, Sequence[str]]:
    """Read the whole timelines of those who are there."""
    async with client([url]) as rest:
        there = [person for person in sorted(people) if await rest.status(f"/users/{person}") == 200]
        return {person: [item.post_id for item in await rest.timeline(person)] for person in there}
