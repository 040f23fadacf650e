"""Where faults strike: a stack, workers that come and go, and the load that calls them."""

import signal
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.chaos.lasting import RATE, SCALE, TIMEOUT_FACTOR
from tests.support.live.kafka import Kafka
from tests.support.live.ports import free_port
from tests.support.live.stack import RunningStack
from tests.support.live.worker import Worker
from tests.support.workload.load import Load

#: As delivered, in place of those that make tests quick. In the short form of the tests other work has the machine, so
#: stores are waited for there.
SETTINGS = {
    "STORE_TIMEOUT": "2" if SCALE >= 1 else "8",
    "SESSION_TIMEOUT": "10",
    "HEARTBEAT_INTERVAL": "3",
    "COMMIT_INTERVAL": "0.5",
    "ACK_HOLD": "2.5",
}
#: Seconds within which everything must have happened, on a busy machine too.
DEADLINE = 120.0 * TIMEOUT_FACTOR
#: Calls between two blows: some four seconds of the load.
SOME = 4 * RATE


@dataclass
class Scene:
    """What a fault finds, and what it may do. Faults leave behind as many workers as they found."""

    stack: RunningStack
    kafka: Kafka
    #: Waits until a condition holds; shows the logs of the workers that are named where it does not.
    eventually: Callable[..., None]
    #: What chance decides here; a trial has its own.
    random: Random = field(default_factory=Random)
    #: Settings of all workers, by their names without prefix.
    settings: dict[str, str] = field(default_factory=lambda: dict(SETTINGS))
    #: Variables over those of the stack, for workers that start from now on: URLs that lead through a proxy.
    environment_over: dict[str, str] = field(default_factory=dict)
    #: The same for one worker, by its name.
    environment_of: dict[str, dict[str, str]] = field(default_factory=dict)
    #: The random faults of this trial so far, for people.
    struck: list[str] = field(default_factory=list)
    #: What a fault has measured in this trial, by a name; the last one counts.
    figures: dict[str, Any] = field(default_factory=dict)
    #: Those that run, or should.
    workers: list[Worker] = field(default_factory=list)
    #: All that ever ran here.
    everyone: list[Worker] = field(default_factory=list)
    #: Set while a load is under way.
    _load: Load | None = None

    @property
    def load(self) -> Load:
        """The load that is under way."""
        assert self._load is not None, "no load is under way"
        return self._load

    @load.setter
    def load(self, load: Load) -> None:
        self._load = load
        for worker in self.workers:
            load.call(worker.url)

    def join(self, **settings: str) -> Worker:
        """Start one more worker, wait until it has joined, and give it its share of the load."""
        name = f"t{uuid.uuid4().hex[:8]}"
        environment = self._environment(name)
        log = self.stack.stack.data_dir / "logs" / f"{name}.log"
        worker = Worker(name, free_port(), environment, log)
        self.workers.append(worker)
        self.everyone.append(worker)
        self._start([worker], settings)
        return worker

    def leave(self, worker: Worker, number: int = signal.SIGTERM) -> None:
        """End a worker for good. A gateway sends nothing more to one that stops; of a death it learns too late."""
        if number == signal.SIGTERM:
            self._spare(worker)
        status = worker.signal(number)
        self._spare(worker)
        self.workers.remove(worker)
        assert status == (0 if number == signal.SIGTERM else -number), worker.tail()

    def restart(self, worker: Worker, **settings: str) -> None:
        """Start a worker that has ended, in its own folder; wait until it has joined and give it its share."""
        self._start([worker], settings)

    def restart_together(self, workers: Sequence[Worker]) -> None:
        """Stop workers, start them again side by side, and give them their share once all have joined.

        No worker serves meanwhile, so what one of them did has no part in what the others begin with.
        """
        for worker in workers:
            self._spare(worker)
        for worker in workers:
            status = worker.stop()
            assert status == 0, worker.tail()
        self._start(workers, {})

    def rest(self, calls: int = SOME) -> None:
        """Wait until so many more calls were answered well."""
        enough = self.load.answered + calls
        self.eventually(lambda: self._answered(enough), *self.workers, seconds=DEADLINE)

    def well(self) -> None:
        """Wait until all workers are well."""
        self.eventually(lambda: all(worker.well() for worker in self.workers), *self.workers, seconds=DEADLINE)

    def caught_up(self) -> None:
        """Wait until what is on its way at this moment has been brought about; more may come meanwhile."""
        self.eventually(self._outbox_empty, *self.workers, seconds=DEADLINE)
        ends = self.kafka.ends()
        self.eventually(lambda: self.kafka.reached(ends), *self.workers, seconds=DEADLINE)

    def quiet(self) -> None:
        """Wait until nothing is on its way any more. The load must be over."""
        self.well()
        self.eventually(self._outbox_empty, *self.workers, seconds=DEADLINE)
        self.eventually(lambda: not self.kafka.behind(), *self.workers, seconds=DEADLINE)

    def _environment(self, name: str) -> dict[str, str]:
        return {**self.stack.environment, **self.environment_over, **self.environment_of.get(name, {})}

    def _answered(self, enough: int) -> bool:
        assert self.load.is_alive(), "the load has ended by itself"
        return self.load.answered >= enough

    def _start(self, workers: Sequence[Worker], settings: dict[str, str]) -> None:
        """Start these side by side; none is called before all have joined."""
        for worker in workers:
            worker.environment = self._environment(worker.name)
            worker.start(**{**self.settings, **settings})
        self.eventually(lambda: all(map(_has_joined, workers)), *workers, seconds=DEADLINE)
        if self._load is not None:
            for worker in workers:
                self._load.call(worker.url)

    def _spare(self, worker: Worker) -> None:
        if self._load is not None:
            self._load.call_no_more(worker.url)

    def _outbox_empty(self) -> bool:
        body = self.workers[0].call("GET", "/health").body
        return isinstance(body, dict) and body["outbox"]["depth"] == 0


def _has_joined(worker: Worker) -> bool:
    return worker.well() and bool(worker.probe()["partitions"])
