"""Finds, replays, discards and counts dead letters.

Letters stay in their Kafka topic until they expire. PostgreSQL knows which are resolved; all others are open. A replay
publishes the record on its source topic first, and marks the letter as resolved afterwards. If it is interrupted in
between, or two operators replay at once, the record is published twice. That is harmless, because all effects are
idempotent. A record that still cannot be decoded becomes a new letter. ``DeadLetterWatch`` counts the open letters
every few seconds, for ``/health`` and the metrics.
"""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import islice
from typing import Final

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.dead_letters import DeadLetter
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import Conflict, Invalid, MicroblogError, NotFound
from microblog_streams.domain.topics import POSTS, logical_name, topic_name
from microblog_streams.ports import Bounds, DeadLetterReader, ResolvedLetters, SourceTopics

_LETTER_ID: Final = re.compile(r"(\d{1,9})-(\d{1,18})", re.ASCII)

logger = logging.getLogger(__name__)

#: Pause between counts, and between attempts to connect.
INTERVAL_SECONDS: Final = 5.0


@dataclass(frozen=True)
class DeadLetters:
    """The operations on dead letters. ``deployment`` returns the current one, which has the topics to replay on.

    All methods raise StoreUnavailable.
    """

    reader: DeadLetterReader
    resolved: ResolvedLetters
    sources: SourceTopics
    deployment: Callable[[], Awaitable[Deployment]]

    async def count(self) -> int:
        """Return how many letters are open."""
        return await count_open(self.reader, self.resolved)

    async def oldest(self, limit: int) -> list[DeadLetter]:
        """Return up to ``limit`` open letters, oldest first. Also deletes the rows of letters that have expired."""
        bounds = await self.reader.bounds()
        await self.resolved.forget(bounds)
        found = [letter for partition in bounds async for letter in self._open_in(bounds, partition, limit)]
        return sorted(found, key=lambda letter: (letter.written_at, letter.partition, letter.offset))[:limit]

    async def all_open(self) -> AsyncIterator[DeadLetter]:
        """Yield all letters that are open at the beginning, in the order of their partitions and offsets.

        So records with the same key are replayed in order, and a record that becomes a letter again is replayed once.
        """
        bounds = await self.reader.bounds()
        for partition in bounds:
            async for letter in self._open_in(bounds, partition):
                yield letter

    async def find(self, letter_id: str) -> DeadLetter:
        """Return a letter, open or resolved. Raises Invalid for what is not an id, NotFound."""
        if (match := _LETTER_ID.fullmatch(letter_id)) is None:
            raise Invalid("id", f"{letter_id!r} is not one: it must be a partition and an offset, as in 3-17")
        partition, offset = map(int, match.groups())
        first, beyond = (await self.reader.bounds()).get(partition, (0, 0))
        exists = first <= offset < beyond
        found = [letter async for letter in self.reader.letters(partition, offset, offset + 1)] if exists else []
        if not found:
            raise NotFound("dead letter", letter_id)
        return found[0]

    async def replay(self, letter: DeadLetter) -> None:
        """Publish the record on its topic of the current topic set, then mark the letter as replayed.

        Raises Conflict if its topic is unknown, or takes no events at the moment.
        """
        for topic in await self._targets(letter):
            await self.sources.publish(topic, letter.key, letter.value, letter.headers)
        await self.resolved.resolve(letter.partition, letter.offset, "replayed")

    async def discard(self, letter: DeadLetter) -> None:
        """Mark the letter as discarded; its record never takes effect."""
        await self.resolved.resolve(letter.partition, letter.offset, "discarded")

    async def _targets(self, letter: DeadLetter) -> list[str]:
        """Return the topics to publish on, in order: during a repartition edge events go to both topic sets."""
        if (logical := logical_name(letter.source)) is None:
            raise Conflict(f"its topic {letter.source!r} is not a source topic of this deployment")
        deployment = await self.deployment()
        topic_sets = (deployment.posts_go_to,) if logical in POSTS else deployment.edges_go_to
        if not topic_sets:
            raise Conflict(f"{logical} takes no events while grow-partitions drains the old topics: replay it later")
        return [topic_name(logical, topic_set) for topic_set in topic_sets]

    async def _open_in(self, bounds: Bounds, partition: int, limit: int | None = None) -> AsyncIterator[DeadLetter]:
        """Yield a partition's open letters, at most ``limit``, without reading beyond the last of them."""
        resolved = await self.resolved.offsets(partition, *bounds[partition])
        wanted = list(islice((offset for offset in range(*bounds[partition]) if offset not in resolved), limit))
        if wanted:
            async for letter in self.reader.letters(partition, wanted[0], wanted[-1] + 1):
                if letter.offset not in resolved:
                    yield letter


async def count_open(reader: DeadLetterReader, resolved: ResolvedLetters) -> int:
    """Return how many letters are open, from offsets alone: none is read."""
    bounds = await reader.bounds()
    return sum(beyond - first for first, beyond in bounds.values()) - await resolved.count(bounds)


class DeadLetterWatch(Service):
    """``open`` is the last count; None before the first, and while Kafka or PostgreSQL does not answer."""

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[DeadLetterReader]],
        count: Callable[[DeadLetterReader], Awaitable[int]],
    ) -> None:
        """``connect`` opens a reader of ``dead.letters``; ``count`` returns how many letters are open."""
        super().__init__()
        self.open: int | None = None
        self._connect = connect
        self._count = count

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            try:
                async with self._connect() as reader:
                    await self._count_repeatedly(reader)
            except MicroblogError as exc:
                logger.debug("dead_letters_unknown reason=%s", exc)
            except Exception:
                # A worker can deliver without this number, so no error here may stop it.
                logger.exception("dead_letters_unknown")
            self.open = None
            await self.sleep(INTERVAL_SECONDS)

    async def _count_repeatedly(self, reader: DeadLetterReader) -> None:
        while not self.should_stop:
            self.open = await self._count(reader)
            await self.sleep(INTERVAL_SECONDS)
