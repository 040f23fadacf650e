"""Faults that last as long as a block, to be combined: each strikes one part, one worker, or one worker's network.

Each of them alone is a fault of the folder ``faults``, which checks what still works. In a pair too much is away for
that, so the only check is that nothing is lost or wrong afterwards.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.chaos import fleet
from tests.chaos.absence import dead, frozen
from tests.chaos.detour import led_through
from tests.chaos.proxy import BACK, BOTH, THERE
from tests.chaos.scene import Scene
from tests.support.live.worker import Worker

PARTS = ("kafka", "valkey", "postgres", "cassandra")

#: Makes a block during which something is wrong.
Strike = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Harm:
    """A fault that begins and ends with a block."""

    name: str
    #: What it strikes: the two of a pair strike different things.
    target: str
    #: Makes a block during which it can strike. A worker that starts behind a proxy does so at the beginning of this
    #: block, and starts again at its end: both need all parts.
    prepared: Callable[[Scene], AbstractContextManager[Strike]]


def choose_pair(random: Random) -> tuple[Harm, Harm]:
    """Return two harms, in the order in which they begin; they end in the opposite order."""
    one, other = random.choice([pair for pair in itertools.combinations(HARMS, 2) if pair[0].target != pair[1].target])
    return one, other


@contextmanager
def _unprepared(strike: Callable[[Scene], AbstractContextManager[None]], scene: Scene) -> Iterator[Strike]:
    yield partial(strike, scene)


@contextmanager
def _behind_a_proxy(part: str, ways: frozenset[str], scene: Scene) -> Iterator[Strike]:
    with led_through(scene, scene.random.choice(scene.workers), part) as proxies:
        yield partial(proxies[part].passing_nothing, ways)


@contextmanager
def _worker_killed(scene: Scene) -> Iterator[None]:
    worker = _intact_worker(scene)
    fleet.kill(scene, worker)
    try:
        yield
    finally:
        scene.restart(worker)


@contextmanager
def _worker_frozen(scene: Scene) -> Iterator[None]:
    with fleet.frozen(scene, _intact_worker(scene)):
        yield


def _intact_worker(scene: Scene) -> Worker:
    """Return a random worker among those that are behind no proxy."""
    return scene.random.choice([worker for worker in scene.workers if worker.name not in scene.environment_of])


#: In the order in which the harms of a pair begin. The killed worker comes first: it starts again at the end, which
#: needs all parts.
HARMS = (
    Harm("worker killed", "worker", partial(_unprepared, _worker_killed)),
    Harm("worker frozen", "worker", partial(_unprepared, _worker_frozen)),
    *(Harm(f"one worker without {part}", part, partial(_behind_a_proxy, part, BOTH)) for part in PARTS),
    *(
        Harm(f"one worker without answers of {part}", part, partial(_behind_a_proxy, part, frozenset({BACK})))
        for part in PARTS
    ),
    *(
        Harm(f"one worker without a way to {part}", part, partial(_behind_a_proxy, part, frozenset({THERE})))
        for part in PARTS
    ),
    *(Harm(f"{part} dead", part, partial(_unprepared, partial(dead, part=part))) for part in PARTS),
    *(Harm(f"{part} frozen", part, partial(_unprepared, partial(frozen, part=part))) for part in PARTS),
)
