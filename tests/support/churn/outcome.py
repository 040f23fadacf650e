"""What came of a churn, and the proof that nothing was lost, doubled or put where it does not belong."""

import re
from dataclasses import dataclass
from statistics import median

from microblog_streams.domain import topics
from tests.support.workload.history import History
from tests.support.workload.report import DOUBLED, EDGE, MISPLACED, MISSING, STRAY, Report

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
    report: Report

    def __str__(self) -> str:
        """Return the figures, for people."""
        history, report = self.history, self.report
        rates = {what: f"{done} {what} ({done / self.seconds:.0f}/s)" for what, done in history.answered.items()}
        return (
            f"churn: {rates['posts']} and {rates['follows']} in {self.seconds:.0f} s, {history.unsure} unanswered, "
            f"{history.refused} refused; {_told(self.joins)}; {sum(self.events.values())} events; "
            f"{report.timelines} timelines with {report.expected} entries: {report.count(MISSING)} missing, "
            f"{report.count(DOUBLED)} doubled, {report.count(STRAY)} stray, {report.count(MISPLACED)} misplaced; "
            f"{report.count(EDGE)} wrong edges; alarms: {self.alarms() or 'none'}"
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
        assert self.report.good, self.report.told


def _told(joins: list[float]) -> str:
    return f"{len(joins)} joins, median {median(joins):.1f} s, longest {max(joins):.1f} s" if joins else "no joins"
