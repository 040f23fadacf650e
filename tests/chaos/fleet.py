"""What faults do to workers: kill them where they stand, freeze them, start them again, find the one that leads."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from microblog_streams.config.settings import PREFIX
from tests.chaos.scene import DEADLINE, Scene
from tests.support.live.worker import Worker

PARTITIONS = list(range(8))


def kill(scene: Scene, worker: Worker) -> None:
    """End a worker as a power failure would; its callers learn of that afterwards."""
    worker.kill()
    spare(scene, worker)


def stop(scene: Scene, worker: Worker) -> None:
    """Take a worker's callers away, and ask it to end."""
    spare(scene, worker)
    assert worker.stop() == 0, worker.tail()


def spare(scene: Scene, worker: Worker) -> None:
    """Take a worker's callers away, unless it is the last one with callers."""
    if scene.workers != [worker]:
        scene.load.call_no_more(worker.url)


def restart_all(scene: Scene, app: str | None = None) -> None:
    """Start the workers again one after the other, perhaps as another version of the application."""
    for worker in scene.workers:
        worker.app = app or worker.app
        stop(scene, worker)
        scene.restart(worker)


@contextmanager
def frozen(scene: Scene, worker: Worker) -> Iterator[None]:
    """Freeze a worker, without callers, within the block."""
    assert worker.process is not None
    spare(scene, worker)
    worker.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.process.send_signal(signal.SIGCONT)
        scene.load.call(worker.url)


@contextmanager
def reconfigured(scene: Scene, over: Mapping[str, str]) -> Iterator[None]:
    """Start the workers again with other variables, and with those of the stack after the block."""
    scene.environment_over.update(over)
    try:
        restart_all(scene)
        yield
    finally:
        for variable in over:
            del scene.environment_over[variable]
        restart_all(scene)


def others(scene: Scene, worker: Worker) -> list[Worker]:
    """Return all workers but one."""
    return [other for other in scene.workers if other is not worker]


def take_over(scene: Scene, heirs: list[Worker]) -> None:
    """Wait until these workers have all partitions among them."""
    scene.eventually(lambda: _owned(heirs) == PARTITIONS, *heirs, seconds=DEADLINE)


def share(scene: Scene) -> None:
    """Wait until all workers have a share of the partitions, each partition once."""
    take_over(scene, scene.workers)
    scene.eventually(lambda: all(worker.probe()["owned"] for worker in scene.workers), *scene.workers, seconds=DEADLINE)


def leader(scene: Scene, among: list[Worker] | None = None) -> Worker:
    """Wait until one of the workers relays the outbox; return it."""
    candidates = scene.workers if among is None else among
    scene.eventually(lambda: _leading(candidates), *candidates)
    return _leading(candidates)[0]


def _leading(workers: list[Worker]) -> list[Worker]:
    return [worker for worker in workers if health(worker).get("outbox", {}).get("leading")]


def health(worker: Worker) -> dict[str, Any]:
    """Return what a worker says of itself; nothing where it does not answer."""
    body = worker.call("GET", "/health", timeout=5).body
    return body if isinstance(body, dict) else {}


def folder(worker: Worker) -> Path:
    """Return where a worker keeps its tables."""
    return Path(worker.environment[f"{PREFIX}DATA_DIR"]) / "workers" / worker.name


def _owned(workers: list[Worker]) -> list[int]:
    return sorted(partition for worker in workers for partition in worker.probe()["owned"])
