"""What trials came to, as a table for people and as JSON."""

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.table import Table

from tests.chaos.trial import Trial
from tests.support.workload.report import DOUBLED, EDGE, MISPLACED, MISSING, PERSON, STRAY

COLUMNS = (
    "acknowledged calls",
    "deliveries checked",
    "missing",
    "doubled",
    "stray",
    "out of order",
    "s until caught up",
    "told live",
    "resets",
    "live missing",
    "live doubled",
    "live stray",
)


def table(trials: Iterable[Trial]) -> Table:
    """Return the table of docs/results.md: it is Markdown."""
    made = Table(box=box.MARKDOWN)
    made.add_column("fault", no_wrap=True)
    for column in COLUMNS:
        made.add_column(column, justify="right")
    for trial in trials:
        made.add_row(trial.name, *(f"{figure:,}" for figure in row(trial).values()))
    return made


def row(trial: Trial) -> dict[str, Any]:
    """Return the figures of one trial."""
    counts = [trial.report.count(kind) for kind in (MISSING, DOUBLED, STRAY, MISPLACED)]
    calls, seconds = sum(trial.history.answered.values()), round(trial.caught_up, 1)
    live = [trial.live.posts, trial.live.resets, *(trial.live.count(kind) for kind in (MISSING, DOUBLED, STRAY))]
    return dict(zip(COLUMNS, [calls, trial.report.expected, *counts, seconds, *live], strict=True))


def wrong(trial: Trial) -> list[str]:
    """Return what is wrong, as text, with the ids that lead to the cause."""
    others = [str(finding) for finding in trial.report.findings if finding.kind in (EDGE, PERSON)]
    struck = [f"struck: {words}" for words in trial.struck]
    return [
        *struck,
        *trial.failure.splitlines(),
        *trial.report.told,
        *trial.live.told,
        *others,
        *trial.alarms,
        *trial.history.strange,
    ]
