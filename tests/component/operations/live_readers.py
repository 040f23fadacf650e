"""Readers of live timelines, and what they were told."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from microblog_streams.ports.live import Change
from tests.support.waiting import DEADLINE_SECONDS

#: The second user of a world.
BOB = 2


class Told:
    """A reader, and what they were told so far: posts' texts, ids of deletions, "reset"."""

    def __init__(self, reader):
        self.reader, self.events = reader, []

    @property
    def position(self):
        return self.events[-1].position

    async def until(self, *expected):
        """Read on until exactly these were told."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(self.events) < len(expected):
                self.events += await self.reader.next() or [None]
        assert [said(event) for event in self.events] == list(expected)

    async def ended(self):
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (more := await self.reader.next()) is not None:
                self.events += more


def said(event):
    match event.change:
        case Change.POST:
            return event.post.content
        case Change.DELETE:
            return event.post_id
    return "reset"


@pytest.fixture
async def follow(world):
    """Follows a timeline to the end of the test, or of a block."""
    async with AsyncExitStack() as stack:

        async def start(user, position=None, worker=None, reader=None):
            operations = worker or world.operations
            return Told(await stack.enter_async_context(operations.live.follow(user, position, reader)))

        yield start
    await world.operations.live.close()


@pytest.fixture
async def ann(world):
    """Ann (1), who follows Bob (2)."""
    ann, bob = await world.people("ann", "bob")
    await world.follow(ann, bob)
    return ann
