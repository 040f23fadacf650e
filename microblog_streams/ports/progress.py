"""Progress of a long command."""

from typing import Protocol


class Progress(Protocol):
    """Shows the steps of a command, one after the other."""

    def step(self, text: str, total: int | None = None) -> None:
        """Begin a step, which ends the one before. ``total`` is the number of items to process, if it is known."""
        ...

    def update(self, done: int, total: int | None = None) -> None:
        """Show how many items of the step are done. A ``total`` replaces the one before."""
        ...
