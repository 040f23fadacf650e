"""Cassandra away: people post, follow and read what is in the cache meanwhile."""

from tests.chaos.absence import away, dead, frozen
from tests.chaos.fault import Fault
from tests.chaos.lasting import CASSANDRA_AWAY
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene


def is_away(scene: Scene) -> None:
    """It is killed, and stays away for a minute."""
    _back(scene, away(scene, "cassandra", dead, CASSANDRA_AWAY, _goes_on))


def is_frozen(scene: Scene) -> None:
    """It stands still for a minute, with all its connections."""
    _back(scene, away(scene, "cassandra", frozen, CASSANDRA_AWAY, _goes_on))


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.registers_and_follows()
    onlooker.reads_on()
    onlooker.is_refused("GET", f"/posts/{onlooker.ann}")


def _back(scene: Scene, onlooker: Onlooker) -> None:
    onlooker.sees_everything()
    scene.eventually(lambda: onlooker.worker.call("GET", f"/posts/{onlooker.ann}").status == 200, onlooker.worker)


FAULTS = [
    Fault("cassandra-away", is_away),
    Fault("cassandra-frozen", is_frozen),
]
