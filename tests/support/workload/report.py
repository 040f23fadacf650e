"""How far what was read is from what calls imply: a finding for each thing that is wrong, with the ids to follow it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from benchmarks.expectation import Item

#: What can be wrong with a timeline's entry.
MISSING, DOUBLED, STRAY, MISPLACED = "missing", "doubled", "stray", "misplaced"
#: What can be wrong beside: an edge or a user that contradicts an answer.
EDGE, PERSON = "edge", "person"
#: Findings that are told in full.
_TOLD = 20


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. Of an edge, reader and author are follower and followee."""

    kind: str
    reader: int
    author: int = 0
    post: str = ""
    why: str = ""

    def __str__(self) -> str:
        """Return it as text, for people and for grep."""
        return f"{self.kind}: reader {self.reader} author {self.author} post {self.post or '-'} {self.why}".rstrip()


@dataclass
class Report:
    """What a comparison found."""

    timelines: int = 0
    #: Entries that must be there.
    expected: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether all is as it must be, and there was something to look at."""
        return self.timelines > 0 and not self.findings

    @property
    def told(self) -> list[str]:
        """The first findings as text."""
        return [str(finding) for finding in self.findings[:_TOLD]]

    def count(self, kind: str) -> int:
        """Return how many findings are of a kind."""
        return sum(finding.kind == kind for finding in self.findings)

    def add(self, reader: int, wanted: Sequence[Item], found: Sequence[Item], why: dict[str, str]) -> None:
        """Compare one person's timeline, newest first; ``why`` tells of a post that is not wanted, by its id."""
        counts, right = Counter(found), set(wanted)
        self.timelines += 1
        self.expected += len(wanted)
        for item in sorted(right - counts.keys()):
            self._add(MISSING, reader, item)
        for item, count in counts.items():
            self.findings += [Finding(DOUBLED, reader, item.author, item.post_id)] * (count - 1)
        for item in sorted(counts.keys() - right):
            self._add(STRAY, reader, item, why.get(item.post_id, "no client was told that it was posted"))
        for upper, lower in pairwise(found):
            if upper.post_id < lower.post_id:
                self._add(MISPLACED, reader, lower, f"below {upper.post_id}")

    def _add(self, kind: str, reader: int, item: Item, why: str = "") -> None:
        self.findings.append(Finding(kind, reader, item.author, item.post_id, why))
