"""A move of the partitions in memory: the deployment's row, what is done to topics, and what is waited for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from microblog_streams.domain.deployment import Deployment, Phase


@dataclass
class FakeRepartition:
    """A ``Repartition``: one row, changed as the statements of the real one change it."""

    deployment: Deployment
    highest: int = 1
    kept: int = 0
    #: The phases that were reached, in order.
    phases: list[Phase] = field(default_factory=list)

    async def read(self) -> Deployment:
        return self.deployment

    async def keep(self) -> None:
        self.kept += 1

    async def number(self) -> int:
        self.highest += 1
        return self.highest

    async def begin(self, generation: int, partitions: int) -> Deployment:
        return self._to(Phase.COPYING, next_generation=generation, next_partitions=partitions)

    async def advance(self, before: Phase, after: Phase) -> Deployment:
        assert self.deployment.phase is before
        return self._to(after)

    async def complete(self) -> Deployment:
        assert self.deployment.phase is Phase.DRAINING
        generation, partitions = self.deployment.next_generation, self.deployment.next_partitions
        return self._back(generation=generation, partitions=partitions)

    async def abandon(self) -> Deployment:
        assert self.deployment.phase in (Phase.SETTLED, Phase.COPYING, Phase.FILLED)
        return self._back()

    def _back(self, **changes: object) -> Deployment:
        return self._to(Phase.SETTLED, next_generation=None, next_partitions=None, **changes)

    def _to(self, phase: Phase, **changes: object) -> Deployment:
        self.phases.append(phase)
        self.deployment = replace(self.deployment, phase=phase, **changes)
        return self.deployment


@dataclass
class FakeTopicsAndWaits:
    """``TopicSetTopics`` and ``ProgressWaits`` at once. ``done``: the calls in order, each with the phase."""

    row: FakeRepartition
    #: What ``has_begun`` and ``count_expired`` answer.
    ran: bool = False
    lost: int = 0
    done: list[tuple[object, ...]] = field(default_factory=list)

    async def create(self, generation: int, partitions: int) -> None:
        self._did("create", generation, partitions)

    async def estimate(self) -> int:
        return 3

    async def fill(self, generation: int, partitions: int, report: Callable[[int], Awaitable[object]]) -> int:
        self._did("fill", generation, partitions)
        await report(3)
        return 3

    async def close(self, logical: Sequence[str], generation: int) -> None:
        self._did("close", tuple(logical), generation)

    async def wait_until_warm(self, generation: int, partitions: int) -> None:
        self._did("warmed", generation, partitions)

    async def wait_until_drained(self, what: str, logical: Sequence[str], generation: int, partitions: int) -> None:
        self._did("drained", tuple(logical), generation, partitions)

    async def has_begun(self, generation: int, partitions: int) -> bool:
        return self.ran

    async def count_expired(self, generation: int, partitions: int) -> int:
        return self.lost

    def _did(self, *what: object) -> None:
        self.done.append((self.row.deployment.phase, *what))


class SilentProgress:
    """A ``Progress`` that shows nothing."""

    def step(self, text: str, total: int | None = None) -> None:
        """Show nothing."""

    def update(self, done: int, total: int | None = None) -> None:
        """Show nothing."""
