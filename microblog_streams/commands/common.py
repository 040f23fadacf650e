"""What the commands share: connections, exit status, progress bars, the wait for events, and the users to work on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from microblog_streams.config.settings import Settings, exit_with_error
from microblog_streams.domain.errors import MicroblogError, NotFound, SetupError
from microblog_streams.kafka.consumer_lag import CaughtUp, offsets
from microblog_streams.ports import Connection, UserStore
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import EdgeAudits, get_deployment
from microblog_streams.stores.postgres.outbox import Outbox

#: Users of one page.
PAGE_SIZE: Final = 1_000
#: Draws for each user of a sample, and in addition: in a small deployment most draws repeat an earlier one.
_DRAWS_PER_USER, _EXTRA_DRAWS = 4, 100

T = TypeVar("T")


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
    """End the process with one line and an exit status if the block raises MicroblogError; other errors are bugs.

    aiokafka's own lines are left out: that a topic is not known yet which was made just now, that a broker is asked
    again. What does not pass becomes the one line.
    """
    library = logging.getLogger("aiokafka")
    usual = library.level
    library.setLevel(logging.CRITICAL)
    try:
        yield
    except MicroblogError as exc:
        exit_with_error(exc if isinstance(exc, SetupError) else SetupError(str(exc)))
    finally:
        library.setLevel(usual)


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


@dataclass(frozen=True)
class UserSelection:
    """Ids of the users in ``ids``, or of ``sample`` random users, or of all users if neither is given.

    All users include suspended ones: their posts stay in the lists of others, and they may be restored.
    """

    users: UserStore
    ids: Collection[int] = ()
    sample: int = 0

    async def pages(self) -> AsyncIterator[Sequence[int]]:
        """Yield the ids in pages. Raises NotFound for an id of no user, StoreUnavailable."""
        if self.ids:
            yield await self._existing()
        elif self.sample:
            yield await self._sampled()
        else:
            last = 0
            while page := await self.users.ids(last, PAGE_SIZE):
                yield page
                last = page[-1]

    async def _existing(self) -> list[int]:
        found = await self.users.undeleted(self.ids)
        for user in self.ids:
            if user not in found:
                raise NotFound("user", user)
        return sorted(found)

    async def _sampled(self) -> list[int]:
        drawn: set[int] = set()
        for _ in range(_DRAWS_PER_USER * self.sample + _EXTRA_DRAWS):
            if len(drawn) < self.sample and (user := await self.users.draw()) is not None:
                drawn.add(user)
        return sorted(drawn)


async def run_concurrently(items: Iterable[T], work: Callable[[T], Awaitable[object]], concurrency: int) -> None:
    """Do the work for each item, up to ``concurrency`` at a time. The first error cancels the rest, and is raised."""
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(worker())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
