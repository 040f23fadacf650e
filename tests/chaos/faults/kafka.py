"""Kafka away, killed, restarted: people read, register and follow meanwhile; who posts is told to come back."""

from tests.chaos.fault import Fault
from tests.chaos.lasting import KAFKA_AWAY, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene

SOME = 400


def away(scene: Scene) -> None:
    """It is killed, and stays away for half a minute."""
    onlooker = Onlooker(scene)
    scene.stack.stack.kill("kafka")
    try:
        during(KAFKA_AWAY, lambda: _goes_on(onlooker))
    finally:
        scene.stack.stack.restart("kafka")
    _back(scene, onlooker)


def frozen(scene: Scene) -> None:
    """It stands still for half a minute, with all its connections."""
    onlooker = Onlooker(scene)
    scene.stack.stack.pause("kafka")
    try:
        during(KAFKA_AWAY, lambda: _goes_on(onlooker))
    finally:
        scene.stack.stack.resume("kafka")
    _back(scene, onlooker)


def killed(scene: Scene) -> None:
    """It is killed, and starts at once."""
    onlooker = Onlooker(scene)
    scene.stack.stack.kill("kafka")
    scene.stack.stack.restart("kafka")
    _back(scene, onlooker)


def restarted(scene: Scene) -> None:
    """It is stopped in good order and starts at once."""
    onlooker = Onlooker(scene)
    scene.stack.stack.restart("kafka")
    _back(scene, onlooker)


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.reads_everything()
    onlooker.registers_and_follows()
    onlooker.is_refused_posts()


def _back(scene: Scene, onlooker: Onlooker) -> None:
    scene.rest(SOME)
    onlooker.posts_on()
    onlooker.sees_everything()


FAULTS = [
    Fault("kafka-away", away),
    Fault("kafka-frozen", frozen),
    Fault("kafka-killed", killed),
    Fault("kafka-restarted", restarted),
]
