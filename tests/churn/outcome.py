"""What came of a churn, and the proof that nothing was lost, doubled or put where it does not belong."""

import asyncio
import re
from dataclasses import dataclass
from statistics import median

from benchmarks.client import client, side_by_side
from benchmarks.expectation import Verdict
from microblog_streams import topics
from tests.churn.history import Edge, History
from tests.churn.load import Load
from tests.live.worker import Worker

#: Readers at a time.
READERS = 8
#: What a worker logs that missed events, joins anew because it would miss some, found a wrong timeline, or broke down.
ALARMS = re.compile(r"events_skipped|events_expired|group_rejoined|partition_halted|timeline_repaired|Traceback")


@dataclass(frozen=True)
class Outcome:
    """A load that is over, and what went on meanwhile."""

    history: History
    seconds: float
    #: Seconds that each join took.
    joins: list[float]
    #: Events by topic.
    events: dict[str, int]
    logs: str
    #: Edges that are not as they were answered.
    wrong_edges: list[Edge]
    verdict: Verdict

    def __str__(self) -> str:
        """Return the figures, for people."""
        history, verdict = self.history, self.verdict
        rates = {what: f"{done} {what} ({done / self.seconds:.0f}/s)" for what, done in history.answered.items()}
        return (
            f"churn: {rates['posts']} and {rates['follows']} in {self.seconds:.0f} s, {history.unsure} unanswered, "
            f"{history.refused} refused; {_told(self.joins)}; {sum(self.events.values())} events; "
            f"{verdict.timelines} timelines with {verdict.expected} entries: {verdict.missing} missing, "
            f"{verdict.doubled} doubled, {verdict.stray} stray, {verdict.misplaced} misplaced; "
            f"{len(self.wrong_edges)} wrong edges; alarms: {self.alarms() or 'none'}"
        )

    def alarms(self) -> list[str]:
        """Return the lines of the logs that must not be there."""
        return [line for line in self.logs.splitlines() if ALARMS.search(line)]

    def prove(self) -> None:
        """Fail unless every event was brought about, none skipped, and every timeline is right."""
        history, events = self.history, self.events
        assert history.strange == []
        assert events[topics.POST_CREATED] >= history.answered["posts"]
        assert events[topics.USER_FOLLOW] + events[topics.USER_UNFOLLOW] >= history.answered["follows"]
        assert self.alarms() == []
        assert self.wrong_edges == []
        assert self.verdict.good, self.verdict.told


def _told(joins: list[float]) -> str:
    return f"{len(joins)} joins, median {median(joins):.1f} s, longest {max(joins):.1f} s" if joins else "no joins"


def compare(worker: Worker, load: Load) -> tuple[list[Edge], Verdict]:
    """Read everybody's followees and whole timeline, and compare both with what was answered."""
    return asyncio.run(_compare(worker, load))


async def _compare(worker: Worker, load: Load) -> tuple[list[Edge], Verdict]:
    async with client([worker.url]) as rest:
        followees = await side_by_side(READERS, rest.followees, load.people, lambda: None)
        found = await side_by_side(READERS, rest.timeline, load.people, lambda: None)
    return load.history.wrong_edges(followees), load.history.verdict(found, followees)
