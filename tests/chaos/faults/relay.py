"""The worker that carries the outbox to Kafka dies, or stands still: another one goes on."""

from tests.chaos import fleet
from tests.chaos.fault import Fault
from tests.chaos.lasting import LEADER_FROZEN, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene


def killed(scene: Scene) -> None:
    """It dies while follows come in."""
    dead = fleet.leader(scene)
    fleet.kill(scene, dead)
    scene.rest()
    fleet.leader(scene, fleet.others(scene, dead))
    scene.restart(dead)


def frozen(scene: Scene) -> None:
    """It stands still for a minute. Within it another one leads, and new followers see the posts."""
    still = fleet.leader(scene)
    heirs = fleet.others(scene, still)
    with fleet.frozen(scene, still):
        fleet.leader(scene, heirs)
        fleet.take_over(scene, heirs)
        onlooker = Onlooker(scene, heirs[0])
        during(LEADER_FROZEN, lambda: _goes_on(onlooker))
        onlooker.sees_everything()
    fleet.share(scene)
    fleet.leader(scene)


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.registers_and_follows()
    onlooker.posts_on()


FAULTS = [
    Fault("relay-leader-killed", killed),
    Fault("relay-leader-frozen", frozen),
]
