"""Reads what there is to compare, by REST as anybody could: who is there, whole timelines, whom people follow."""

import asyncio
from collections.abc import Callable

from benchmarks.client import Client, client, side_by_side
from tests.support.workload.checker import Checker, Found
from tests.support.workload.history import History
from tests.support.workload.report import Report

#: Readers at a time.
READERS = 8


def check(history: History, url: str, done: Callable[[], object] = lambda: None) -> Report:
    """Read everything, and compare it with what was answered; ``done`` is called after each timeline."""
    return asyncio.run(_check(history, url, done))


async def _check(history: History, url: str, done: Callable[[], object]) -> Report:
    return Checker(history, await read_everything(history.people, url, done)).report()


async def read_everything(people: set[int], url: str, done: Callable[[], object] = lambda: None) -> Found:
    """Read the timelines and followees of those people who are there; ``done`` is called after each timeline."""
    async with client([url]) as rest:
        there = await _there(rest, people)
        followees = await side_by_side(READERS, rest.followees, there, lambda: None)
        timelines = await side_by_side(READERS, rest.timeline, there, done)
        return Found(timelines, followees)


async def _there(rest: Client, people: set[int]) -> list[int]:
    """Return who is there. Those who are not must not have a timeline either."""
    listed = people & {user async for user, _ in rest.people()}
    for person in people - listed:
        for path in (f"/users/{person}", f"/timelines/{person}"):
            assert await rest.status(path) == 404, f"user {person} is not listed, and {path} is there"
    return sorted(listed)
