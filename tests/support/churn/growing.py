"""Growing: a load on workers while the partitions grow beneath them; then everything must be right."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.stores.postgres.deployment import last_deployment
from tests.support.churn.outcome import Outcome
from tests.support.churn.scenario import DEADLINE, Parts, load_on
from tests.support.live.stack import RunningStack
from tests.support.live.worker import Worker
from tests.support.workload.load import Load
from tests.support.workload.reading import check


@dataclass
class Growing:
    """One move under load, by the commands that a test gives."""

    parts: Parts
    stack: RunningStack
    workers: list[Worker]
    load: Load = field(init=False)
    before: Deployment = field(init=False)
    _lengths: dict[str, int] = field(init=False)

    @contextmanager
    def under_load(self, rate: int, calls: int) -> Iterator[Load]:
        """Load the workers, ``rate`` calls a second, within the block; ``calls`` are answered before and after it."""
        self.before = self.deployment()
        self._lengths = self.parts.kafka.lengths(self.before.generation)
        self.load = load_on(self.workers[0], self.parts.people, rate)
        for worker in self.workers[1:]:
            self.load.call(worker.url)
        with self.load:
            self._rest(calls)
            yield self.load
            self._rest(calls)

    def deployment(self) -> Deployment:
        return last_deployment(self.stack.settings)

    def wait_for(self, *phases: Phase) -> None:
        """Wait until the move is in one of the phases."""
        self._until(lambda: self.deployment().phase in phases)

    def moved(self) -> bool:
        """Return whether workers of the next generation have all its partitions."""
        told = [worker.call("GET", "/probe/").body for worker in self.workers]  # no answer of it: one that restarts
        owned = [part for body in told if isinstance(body, dict) for part in body.get("owned", ())]
        return sorted(owned) == list(range(self.deployment().partitions))

    def outcome(self) -> Outcome:
        """Return what came of it, once everything is committed in the generation that is the present one now."""
        now = self.deployment()
        self._until(lambda: all(worker.well() for worker in self.workers) and self.moved())
        self._until(self.workers[0].has_relayed)
        self._until(lambda: not self.parts.kafka.behind(now.generation))
        old, new = (self.parts.kafka.lengths(generation) for generation in (self.before.generation, now.generation))
        events = {topic: old[topic] - self._lengths[topic] + new[topic] for topic in old}
        logs = "".join(worker.log.read_text(errors="replace") for worker in self.workers)
        report = check(self.load.history, self.workers[0].url)
        return Outcome(self.load.history, self.load.seconds, [], events, logs, report)

    def _rest(self, calls: int) -> None:
        enough = self.load.answered + calls
        self._until(lambda: self.load.answered >= enough or not self.load.is_alive())

    def _until(self, condition: Callable[[], object]) -> None:
        self.parts.eventually(condition, *self.workers, seconds=DEADLINE)
