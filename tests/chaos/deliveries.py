"""What was delivered while a block lasted, and how fast: from the metrics of all workers."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.figures import percentile
from tests.chaos.scene import DEADLINE, Scene
from tests.support.live.worker import Answer, Worker

_NAME = "microblog_delivery_seconds"


@contextmanager
def measured(scene: Scene, when: str) -> Iterator[None]:
    """Write into the scene's figures how many posts were fanned out within the block, and how soon.

    Times until the last follower are upper bounds of the histogram's buckets; those of the answers are exact. The
    workers must be the same at the beginning and at the end.
    """
    first, began_at, calls = _fan_outs(scene), time.monotonic(), len(scene.load.history.calls)
    yield
    seconds, fan_outs = time.monotonic() - began_at, _fan_outs(scene) - first
    answers = [
        call.seconds
        for call in scene.load.history.calls[calls:]
        if "/posts/ " in call.call and call.answer.startswith("201")
    ]
    scene.figures[when] = {
        "seconds": round(seconds, 1),
        "fan-outs a second": round(fan_outs[float("inf")] / seconds, 1),
        "s to last follower, p50 below": _bound(fan_outs, 0.5),
        "s to last follower, p99 below": _bound(fan_outs, 0.99),
        "s to answer, p50": round(percentile(answers, 50), 4),
        "s to answer, p99": round(percentile(answers, 99), 4),
    }


def _fan_outs(scene: Scene) -> Counter[float]:
    """Return how many fan-outs took at most so many seconds, of all workers."""
    found: Counter[float] = Counter()
    for worker in scene.workers:
        for family in text_string_to_metric_families(_scraped(scene, worker)):
            for sample in family.samples:
                if sample.name == f"{_NAME}_bucket":
                    found[float(sample.labels["le"])] += int(sample.value)
    return found


def _scraped(scene: Scene, worker: Worker) -> str:
    """Return the metrics of a worker, which a busy machine may refuse for now."""
    answers: list[Answer] = []

    def scrape() -> bool:
        answers.append(worker.call("GET", "/metrics"))
        return answers[-1].status == 200

    scene.eventually(scrape, worker, seconds=DEADLINE)
    return str(answers[-1].body)


def _bound(fan_outs: Counter[float], share: float) -> float:
    """Return the lowest bound below which is this share of them."""
    return min(bound for bound in fan_outs if fan_outs[bound] >= share * fan_outs[float("inf")])
