"""A timeline as one reader of its live stream has it: the page that was read after a reset, and the events since.

The stream is right if this is the timeline in the end, and nothing was told twice since the last reset.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from microblog_streams.client import LiveEvent
from tests.support.workload.report import DOUBLED, MISSING, STRAY, Finding


@dataclass
class LiveReport:
    """What all readers were told, and what was wrong with it."""

    connections: int = 0
    #: Connections that went on from the last event, without a reset.
    resumed: int = 0
    posts: int = 0
    deletions: int = 0
    resets: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing was wrong, and there was something to look at."""
        return self.posts > 0 and not self.findings

    @property
    def told(self) -> list[str]:
        """The findings as text."""
        return [f"live {finding}" for finding in self.findings]

    def count(self, kind: str) -> int:
        """Return how many findings are of a kind."""
        return sum(finding.kind == kind for finding in self.findings)


@dataclass
class LiveView:
    """What one reader has of one person's timeline."""

    person: int
    report: LiveReport
    #: The id of the last event.
    position: str | None = None
    #: Whether the page is to be read.
    stale: bool = True
    #: Ids of the posts that the reader has.
    shown: set[str] = field(default_factory=set)
    #: Ids of the posts that were told since the last reset.
    told: set[str] = field(default_factory=set)

    def take(self, event: LiveEvent) -> None:
        """Apply an event."""
        self.position = event.id
        if event.post is not None:
            self._post(str(event.post.post_id), event.post.user_id)
        elif event.post_id is not None:
            self.report.deletions += 1
            self.shown.discard(str(event.post_id))
        else:
            self.report.resets += 1
            self.stale = True
            self.told.clear()

    def read(self, ids: Iterable[str]) -> None:
        """Take the timeline as it was read after a reset, in place of what was there."""
        self.shown = set(ids)
        self.stale = False

    def differences(self, timeline: Collection[str]) -> list[Finding]:
        """Return what the reader lacks of the timeline, and what they have that is not on it."""
        wanted = set(timeline)
        missing = [Finding(MISSING, self.person, post=post) for post in sorted(wanted - self.shown)]
        return missing + [Finding(STRAY, self.person, post=post) for post in sorted(self.shown - wanted)]

    def _post(self, post: str, author: int) -> None:
        self.report.posts += 1
        if post in self.told:
            self.report.findings.append(Finding(DOUBLED, self.person, author, post, f"at {self.position}"))
        self.told.add(post)
        self.shown.add(post)
