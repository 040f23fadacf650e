"""What the commands share: connections to stores, exit status, progress on the terminal, and the wait for events."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from microblog_streams.config.settings import Settings, exit_with_error
from microblog_streams.domain.errors import MicroblogError, SetupError
from microblog_streams.kafka.consumer_lag import CaughtUp, offsets
from microblog_streams.ports import Connection
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import EdgeAudits, get_deployment
from microblog_streams.stores.postgres.outbox import Outbox


@asynccontextmanager
async def connected(*connections: Connection) -> AsyncIterator[None]:
    """Keep the connections open for the length of the block. Raises StoreUnavailable, SetupError."""
    try:
        for connection in connections:
            await connection.connect()
        yield
    finally:
        for connection in connections:
            await connection.close()


@contextmanager
def expected_failures() -> Iterator[None]:
    """End the process with one line and an exit status if the block raises MicroblogError; other errors are bugs."""
    try:
        yield
    except MicroblogError as exc:
        exit_with_error(exc if isinstance(exc, SetupError) else SetupError(str(exc)))


def caught_up(settings: Settings, postgres: Postgres) -> CaughtUp:
    """Return the wait for all events of this moment; ``postgres`` must be connected when it begins."""
    audits = EdgeAudits(postgres)
    return CaughtUp(Outbox(postgres), lambda: get_deployment(postgres), lambda: offsets(settings), audits.complete)


class ProgressBars:
    """The ``Progress`` of a terminal: a line for each step on stderr, with a bar if there are items to count."""

    def __init__(self) -> None:
        """Nothing is drawn before the ``with`` block."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bars = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop drawing. After an error, the bar of the current step stays unfinished."""
        if exc[0] is None:
            self._finish_step()
        self._bars.stop()

    def step(self, text: str, total: int | None = None) -> None:
        """Begin a step, which finishes the one before."""
        self._finish_step()
        self._task = self._bars.add_task(text, total=total)

    def update(self, done: int, total: int | None = None) -> None:
        """Show how many items of the step are done."""
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total)

    def _finish_step(self) -> None:
        if self._task is not None:
            total = self._bars.tasks[self._task].total or 1
            self._bars.update(self._task, completed=total, total=total)
            self._task = None
