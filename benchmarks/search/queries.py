"""Queries over the full index: each kind's times, and those of ordinary ones beside the most expensive that there are.

They go through the ``SearchIndex`` as the workers' do, from one process with so many clients, each with one query at a
time. What a worker adds is reading the texts of a page, as for every timeline. Terms are drawn as texts draw them, so
most words are common ones.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Final
from uuid import UUID

from benchmarks.bars import bar
from benchmarks.figures import percentile
from benchmarks.report import Figures
from benchmarks.search.filled import DAYS
from benchmarks.search.setting import Setting
from benchmarks.search.texts import Writer
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.search.find import BEST
from microblog_streams.search.index import PostFilter, SearchIndex
from microblog_streams.search.query import MAX_TERMS, parse, parse_name

CLIENTS: Final = 4
#: Seconds of the ordinary queries alone, of each hostile one alone, and of both together.
SECONDS, HOSTILE_SECONDS, BESIDE_SECONDS = 30.0, 2.5, 15.0
#: Results of a page.
PAGE: Final = 21

Ask = Callable[[], Awaitable[object]]
Times = Mapping[str, Sequence[float]]


@dataclass
class Queries:
    """Makes queries of every kind."""

    index: SearchIndex
    writer: Writer

    def kinds(self) -> dict[str, Ask]:
        """Return what readers ask."""
        return {
            "a word": lambda: self._newest(self._word()),
            "a rare word": lambda: self._newest(self._rare()),
            "two words": lambda: self._newest(f"{self._word()} {self._word()}"),
            "a phrase of two common words": lambda: self._newest(f'"{self._common()} {self._common()}"'),
            "a hashtag": lambda: self._newest(f"#{self.writer.tag()}"),
            "a word, of an author": lambda: self._newest(self._word(), author=self.writer.author()),
            "a word, but not another": lambda: self._newest(f"{self._word()} -{self._common()}"),
            "a word of one week": lambda: self._newest(self._word() + self._week()),
            "two letters of Japanese": lambda: self._newest(
                "".join(self.writer.chance.sample("日本学猫雨花空海山川", 2))
            ),
            "a word, below a post of any age": lambda: self._newest(self._word(), before=self._any_post()),
            "best of a word": lambda: self._best(self._word()),
            "best of three words": lambda: self._best(f"{self._word()} {self._word()} {self._word()}"),
            "users, by the beginning of a name": lambda: self._users(self.writer.chance.choice(self.writer.names)[:3]),
            "users, by a similar name": lambda: self._users(self._misspelt()),
            "hashtags of three hours": lambda: self._tags(timedelta(hours=3)),
        }

    def hostile(self) -> dict[str, Ask]:
        """Return the most expensive queries that the parser lets through."""
        many = " ".join(self.writer.words[:MAX_TERMS])[:250]
        common = self.writer.words[0]
        return {
            "as many of the commonest words as there may be, best": lambda: self._best(many),
            "the same, each excluded": lambda: self._newest(" ".join(f"-{word}" for word in many.split())[:250]),
            "a phrase of them": lambda: self._newest(f'"{many}"'),
            "the commonest word twice, as a phrase": lambda: self._newest(f'"{common} {common}"'),
            "one letter of Japanese, a prefix": lambda: self._newest("の"),
            "twenty letters of Japanese, each a prefix": lambda: self._best(
                " ".join("あいうえおかきくけこさしすせそたちつてと")
            ),
            "the commonest word, below all but the oldest posts": lambda: self._newest(common, before=self._oldest()),
            "users, by one letter": lambda: self._users("b"),
            "users, by the longest name": lambda: self._users("".join(self.writer.words[-40:])[:30]),
        }

    def _word(self) -> str:
        return self.writer.chance.choices(self.writer.words, cum_weights=self.writer.word_weights)[0]

    def _common(self) -> str:
        return self.writer.chance.choice(self.writer.words[:100])

    def _rare(self) -> str:
        return self.writer.chance.choice(self.writer.words[-len(self.writer.words) // 2 :])

    def _week(self) -> str:
        first = datetime.now(UTC).date() - timedelta(days=self.writer.chance.randrange(7, DAYS))
        return f" after:{first} before:{first + timedelta(days=7)}"

    def _misspelt(self) -> str:
        name = self.writer.chance.choice(self.writer.names)
        place = self.writer.chance.randrange(len(name))
        return name[:place] + "x" + name[place + 1 :]

    def _any_post(self) -> UUID:
        """Return an id of a time at which there were posts."""
        return self._post_of(timedelta(days=self.writer.chance.uniform(0, DAYS)))

    def _oldest(self) -> UUID:
        """Return an id below which are few posts: the deepest page."""
        return self._post_of(timedelta(days=DAYS, hours=-1))

    @staticmethod
    def _post_of(age: timedelta) -> UUID:
        at = datetime.now(UTC) - age
        return UUID(int=round(at.timestamp() * 1_000) << 80 | 0x7 << 76 | 0b10 << 62)

    async def _newest(self, text: str, author: int | None = None, before: UUID | None = None) -> object:
        return await self.index.newest(PostFilter(parse(text), author), before, PAGE)

    async def _best(self, text: str) -> object:
        return await self.index.best(PostFilter(parse(text)), BEST)

    async def _users(self, text: str) -> object:
        return await self.index.users(parse_name(text), BEST)

    async def _tags(self, period: timedelta) -> object:
        age = timedelta(hours=self.writer.chance.randrange(24 * DAYS))
        until = datetime.now(UTC) - age
        return await self.index.tags(until - period, until, 200)


async def measure(at: Setting) -> Figures:
    """Return seconds: of each kind alone, of each hostile one alone, and of all kinds beside the hostile ones."""
    queries = Queries(at.index, Writer(seed=3))
    kinds, hostile = queries.kinds(), queries.hostile()
    await _play(at, "warming queries", kinds, CLIENTS, SECONDS / 6)
    with at.spent() as spent:
        alone = await _play(at, "queries", kinds, CLIENTS, SECONDS)
    worst = {name: await _play(at, name, {name: ask}, 1, HOSTILE_SECONDS) for name, ask in hostile.items()}
    beside, _ = await asyncio.gather(
        _play(at, "queries beside hostile ones", kinds, CLIENTS, BESIDE_SECONDS),
        _play(at, "hostile queries", hostile, 2, BESIDE_SECONDS),
    )
    count = sum(map(len, alone.values()))
    return {
        "clients": CLIENTS,
        "queries": count,
        "rate": count / spent["seconds"],
        "engine cpu ms a query": spent["opensearch"] / count * 1_000,
        "kinds": {name: _told(times) for name, times in alone.items()},
        "all": _told([second for times in alone.values() for second in times]),
        "hostile": {name: _told(times[name]) for name, times in worst.items()},
        "all beside": _told([second for times in beside.values() for second in times]),
    }


async def aggregations(at: Setting) -> Figures:
    """Return what a hashtags' aggregation costs over three hours, a day and everything."""
    now, found = datetime.now(UTC), {}
    for name, period in {
        "three hours": timedelta(hours=3),
        "a day": timedelta(days=1),
        "all": timedelta(days=DAYS),
    }.items():

        async def ask(since: datetime = now - period) -> object:
            return await at.index.tags(since, now, 200)

        with at.spent() as spent:
            times = (await _play(at, f"hashtags of {name}", {name: ask}, 1, HOSTILE_SECONDS))[name]
        posts = sum(use.posts for use in await at.index.tags(now - period, now, 200))
        found[name] = {**_told(times), "engine cpu ms": spent["opensearch"] / len(times) * 1_000, "posts": posts}
    return found


def _told(times: Sequence[float]) -> Figures:
    return {"count": len(times), "p50": percentile(times, 50), "p99": percentile(times, 99), "longest": max(times)}


async def _play(
    at: Setting, title: str, asks: Mapping[str, Ask], clients: int, seconds: float
) -> dict[str, list[float]]:
    """Ask for ``seconds`` with so many clients; return the seconds of each query by its kind."""
    seconds = seconds / 10 if at.quick else seconds
    times: dict[str, list[float]] = defaultdict(list)
    end, done = perf_counter() + seconds, 0

    async def one_client(chance: random.Random) -> None:
        nonlocal done
        while (begun := perf_counter()) < end:
            name = chance.choice(list(asks))
            with suppress(StoreUnavailable):  # it took its two seconds, and counts with them
                await asks[name]()
            times[name].append(perf_counter() - begun)
            done += 1

    with bar(at.on.stage.console, title) as report:
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(one_client(random.Random(number)))  # noqa: S311 - can be repeated, no secret
        report(done, done)
    return times
