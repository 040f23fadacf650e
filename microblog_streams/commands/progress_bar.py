"""The steps of a long command on the terminal: one line each, with a bar where there is something to count."""

from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Report(Protocol):
    """Where a person sees how it goes."""

    def step(self, text: str, total: int | None = None) -> None:
        """Begin a step."""
        ...

    def at(self, done: int, total: int | None = None) -> None:
        """Say how far the step has come."""
        ...


class ProgressSteps:
    """Shows the steps within a ``with`` block."""

    def __init__(self) -> None:
        """Draw nothing yet."""
        shown = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bars = Progress(*shown, TimeElapsedColumn(), console=Console(stderr=True))
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop drawing; a step that failed stays as it is."""
        if exc[0] is None:
            self._end()
        self._bars.stop()

    def step(self, text: str, total: int | None = None) -> None:
        """Begin a step; the one before it is done. ``total`` is what there is to count."""
        self._end()
        self._task = self._bars.add_task(text, total=total)

    def at(self, done: int, total: int | None = None) -> None:
        """Say how far the step has come; a total replaces the one before."""
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total)

    def _end(self) -> None:
        if self._task is not None:
            total = self._bars.tasks[self._task].total or 1
            self._bars.update(self._task, completed=total, total=total)
            self._task = None
