"""The load generator: so many clients, each with one call at a time, for so many seconds. A process of its own.

    python -m benchmarks.load post|timeline|poll --people FILE --clients 32 --seconds 10 [--rate 9] URL...

``FILE`` is a JSON array of user ids; authors or readers are drawn from it evenly. With a rate, calls are sent when
their time has come, whatever became of those before, and times count from then. Prints one JSON object: calls that were
answered well, their rate, their times (seconds), and how many were answered with what else. Nothing is tried again.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.figures import percentile

#: What is posted: as long as posts usually are.
CONTENT = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all. " * 2

Call = Callable[[aiohttp.ClientSession, str, int], Awaitable[int]]


async def post(session: aiohttp.ClientSession, url: str, author: int) -> int:
    """Write a post; return the status."""
    async with session.post(f"{url}/posts/", json={"userId": author, "content": CONTENT}) as response:
        await response.read()
        return response.status


async def timeline(session: aiohttp.ClientSession, url: str, reader: int) -> int:
    """Read the first page of a timeline; return the status."""
    async with session.get(f"{url}/timelines/{reader}") as response:
        await response.read()
        return response.status


_TAGS: dict[str, str] = {}


async def poll(session: aiohttp.ClientSession, url: str, reader: int) -> int:
    """Ask whether a timeline's first page has changed since it was read; return the status, 304 where it has not."""
    place = f"{url}/timelines/{reader}"
    async with session.get(place, headers={"If-None-Match": _TAGS.get(place, '"none"')}) as response:
        await response.read()
        _TAGS[place] = response.headers.get("ETag", "")
        return response.status


CALLS: dict[str, Call] = {"post": post, "timeline": timeline, "poll": poll}


@dataclass
class Calls:
    """Calls to ``urls`` in turn, each in the name of one of ``people``, and what became of them."""

    call: Call
    urls: Iterator[str]
    people: Sequence[int]
    #: Seconds of each call that succeeded.
    times: list[float] = field(default_factory=list)
    #: Statuses, or exceptions, of the others.
    others: Counter[str] = field(default_factory=Counter)

    async def one(self, session: aiohttp.ClientSession, begun: float) -> None:
        """Call once; its time counts from ``begun`` (``time.perf_counter``)."""
        try:
            status = str(await self.call(session, next(self.urls), random.choice(self.people)))  # noqa: S311 - no secret
        except (aiohttp.ClientError, TimeoutError) as exc:
            status = type(exc).__name__
        if status[0] in "23":
            self.times.append(time.perf_counter() - begun)
        else:
            self.others[status] += 1

    async def back_to_back(self, session: aiohttp.ClientSession, seconds: float) -> None:
        """Call one after the other for ``seconds``."""
        end = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < end:
            await self.one(session, begun)

    async def at_rate(self, session: aiohttp.ClientSession, seconds: float, rate: float) -> None:
        """Send ``rate`` calls a second when they are due, whatever became of those before."""
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(round(seconds * rate)):
                due = begun + number / rate
                await asyncio.sleep(due - time.perf_counter())
                group.create_task(self.one(session, due))

    def figures(self, seconds: float) -> dict[str, object]:
        """Return the figures of a load that took ``seconds``."""
        times = {f"p{percent}": percentile(self.times, percent) for percent in (50, 99)} if self.times else {}
        return {"calls": len(self.times), "rate": len(self.times) / seconds, "others": dict(self.others), **times}


async def load(calls: Calls, clients: int, seconds: float, rate: float = 0.0) -> dict[str, object]:
    """Call for ``seconds``, as fast as ``clients`` can or ``rate`` times a second, and return the figures."""
    # Uncompressed: a bare handler answers what it has, and both are to answer the same bytes.
    plain = {"Accept-Encoding": "identity"}
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=plain) as session:
        begun = time.perf_counter()
        if rate:
            await calls.at_rate(session, seconds, rate)
        else:
            await asyncio.gather(*(calls.back_to_back(session, seconds) for _ in range(clients)))
        return calls.figures(time.perf_counter() - begun)


def main() -> None:
    """Read the command line, load, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("call", choices=CALLS)
    parser.add_argument("urls", nargs="+", metavar="URL")
    parser.add_argument("--people", type=Path, required=True)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=0.0)
    arguments = parser.parse_args()
    people = json.loads(arguments.people.read_text())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        calls = Calls(CALLS[arguments.call], cycle(arguments.urls), people)
        work = load(calls, arguments.clients, arguments.seconds, arguments.rate)
        print(json.dumps(runner.run(work)))


if __name__ == "__main__":
    main()
