"""Dead letters: looking at them, replaying those that can be read by now, discarding the others.

Letters stay where they are in Kafka; which of them are settled stands in PostgreSQL, and the others are open. A replay
publishes the record on its source topic, and only then writes the letter down as settled. Killed in between, or with
Kafka's answer lost, the letter is still open and will be published again: so will it by two operators at once. That is
harmless, as every redelivery is: all effects are idempotent. A record that still cannot be read becomes a new letter.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from microblog_streams.dead_letters.record import DeadLetter
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import Conflict, Invalid, NotFound
from microblog_streams.domain.topics import POSTS, logical_name, topic_name
from microblog_streams.ports import Bounds, DeadLetterReader, SettledLetters, SourceLog

_IDENT: Final = re.compile(r"(\d{1,9})-(\d{1,18})", re.ASCII)


async def count_open(box: DeadLetterReader, settled: SettledLetters) -> int:
    """Return how many letters are open, without reading them."""
    bounds = await box.bounds()
    return sum(beyond - first for first, beyond in bounds.values()) - await settled.count(bounds)


@dataclass(frozen=True)
class DeadLetters:
    """What operators do with dead letters. ``deployment`` tells where a source's events go at the moment."""

    box: DeadLetterReader
    settled: SettledLetters
    source: SourceLog
    deployment: Callable[[], Awaitable[Deployment]]

    async def count(self) -> int:
        """Return how many letters are open."""
        return await count_open(self.box, self.settled)

    async def oldest(self, limit: int) -> list[DeadLetter]:
        """Return up to ``limit`` open letters, oldest first."""
        bounds = await self.box.bounds()
        await self.settled.forget(bounds)
        found = [letter for partition in bounds async for letter in self._open_in(bounds, partition, limit)]
        return sorted(found, key=lambda letter: (letter.buried_at, letter.partition, letter.offset))[:limit]

    async def all_open(self) -> AsyncIterator[DeadLetter]:
        """Read all letters that are open now, each partition's in their order; not those that come meanwhile.

        So records with the same key are replayed in the order of their letters, and one that becomes a letter again
        is not replayed for ever.
        """
        bounds = await self.box.bounds()
        for partition in bounds:
            async for letter in self._open_in(bounds, partition):
                yield letter

    async def find(self, ident: str) -> DeadLetter:
        """Return a letter, open or settled. Raises Invalid, NotFound."""
        if (match := _IDENT.fullmatch(ident)) is None:
            raise Invalid("id", f"{ident!r} is none: it is a partition and an offset, as in 3-17")
        partition, offset = map(int, match.groups())
        first, beyond = (await self.box.bounds()).get(partition, (0, 0))
        there = first <= offset < beyond
        found = [letter async for letter in self.box.letters(partition, offset, offset + 1)] if there else []
        if not found:
            raise NotFound("dead letter", ident)
        return found[0]

    async def replay(self, letter: DeadLetter) -> None:
        """Publish the record where its topic's events go now, then settle the letter. Raises Conflict."""
        for topic in await self._places(letter):
            await self.source.publish(topic, letter.key, letter.value, letter.headers)
        await self.settled.settle(letter.partition, letter.offset, "replayed")

    async def discard(self, letter: DeadLetter) -> None:
        """Settle the letter, and do nothing with it."""
        await self.settled.settle(letter.partition, letter.offset, "discarded")

    async def _places(self, letter: DeadLetter) -> list[str]:
        """Return the topics to publish on, in order: edges' events go to both generations while these move."""
        if (logical := logical_name(letter.source)) is None:
            raise Conflict(f"the topic {letter.source!r}, from which it came, is none of ours")
        deployment = await self.deployment()
        generations = (deployment.posts_go_to,) if logical in POSTS else deployment.edges_go_to
        if not generations:
            raise Conflict(f"{logical} takes nothing while grow-partitions drains the old topics: replay it after that")
        return [topic_name(logical, generation) for generation in generations]

    async def _open_in(self, bounds: Bounds, partition: int, limit: int | None = None) -> AsyncIterator[DeadLetter]:
        """Read a partition's open letters, or the first ``limit`` of them, and as little else as possible."""
        settled = await self.settled.offsets(partition, *bounds[partition])
        wanted = list(islice((offset for offset in range(*bounds[partition]) if offset not in settled), limit))
        if wanted:
            async for letter in self.box.letters(partition, wanted[0], wanted[-1] + 1):
                if letter.offset not in settled:
                    yield letter
