"""Cassandra away: people post, follow and read what is in the cache meanwhile."""

from tests.chaos.fault import Fault
from tests.chaos.lasting import CASSANDRA_AWAY, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene

SOME = 400


def away(scene: Scene) -> None:
    """It is killed, and stays away for a minute."""
    onlooker = Onlooker(scene)
    scene.stack.stack.kill("cassandra")
    try:
        during(CASSANDRA_AWAY, lambda: _goes_on(onlooker))
    finally:
        scene.stack.stack.restart("cassandra")
    _back(scene, onlooker)


def frozen(scene: Scene) -> None:
    """It stands still for a minute, with all its connections."""
    onlooker = Onlooker(scene)
    scene.stack.stack.pause("cassandra")
    try:
        during(CASSANDRA_AWAY, lambda: _goes_on(onlooker))
    finally:
        scene.stack.stack.resume("cassandra")
    _back(scene, onlooker)


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.registers_and_follows()
    onlooker.reads_on()
    onlooker.is_refused("GET", f"/posts/{onlooker.ann}")


def _back(scene: Scene, onlooker: Onlooker) -> None:
    scene.rest(SOME)
    onlooker.sees_everything()
    scene.eventually(lambda: onlooker.worker.call("GET", f"/posts/{onlooker.ann}").status == 200, onlooker.worker)


FAULTS = [
    Fault("cassandra-away", away),
    Fault("cassandra-frozen", frozen),
]
