"""Kafka away, killed, restarted: people read, register and follow meanwhile; who posts is told to come back."""

from tests.chaos.absence import away, dead, frozen
from tests.chaos.fault import Fault
from tests.chaos.lasting import KAFKA_AWAY
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene


def is_away(scene: Scene) -> None:
    """It is killed, and stays away for half a minute."""
    _back(away(scene, "kafka", dead, KAFKA_AWAY, _goes_on))


def is_frozen(scene: Scene) -> None:
    """It stands still for half a minute, with all its connections."""
    _back(away(scene, "kafka", frozen, KAFKA_AWAY, _goes_on))


def is_killed(scene: Scene) -> None:
    """It is killed, three times, and starts at once."""
    for _ in range(3):
        onlooker = Onlooker(scene)
        with dead(scene, "kafka"):
            pass
        scene.rest()
        _back(onlooker)


def is_restarted(scene: Scene) -> None:
    """It is stopped in good order and starts at once."""
    onlooker = Onlooker(scene)
    scene.stack.stack.restart("kafka")
    scene.rest()
    _back(onlooker)


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.reads_everything()
    onlooker.registers_and_follows()
    onlooker.is_refused_posts()


def _back(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.sees_everything()


FAULTS = [
    Fault("kafka-away", is_away),
    Fault("kafka-frozen", is_frozen),
    Fault("kafka-killed", is_killed),
    Fault("kafka-restarted", is_restarted),
]
