"""Progress bars of long steps, which leave one line behind: what was done, and how long it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

#: Told what is done by now, and, where that was not known before, out of how many.
Report = Callable[[int, int | None], None]


@contextmanager
def bar(console: Console, title: str, total: int | None = None) -> Iterator[Report]:
    """Show a bar inside the block."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    quiet, begun = not console.is_terminal, time.monotonic()
    with Progress(TextColumn(title), *columns, console=console, transient=True, disable=quiet) as progress:
        task = progress.add_task("", total=total)
        yield lambda done, total: progress.update(task, completed=done, total=total)
        done = progress.tasks[0].completed
    console.print(f"{title}: {done:,.0f} in {time.monotonic() - begun:.1f} s", highlight=False)


@contextmanager
def counter(console: Console, title: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar that every call moves on by one."""
    done = 0
    with bar(console, title, total) as report:

        def one() -> None:
            nonlocal done
            done += 1
            report(done, total)

        yield one
