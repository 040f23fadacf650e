"""PostgreSQL restarted, killed, away: who is known posts and reads meanwhile; who follows is told to come back."""

from tests.chaos.fault import Fault
from tests.chaos.lasting import POSTGRES_AWAY, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene

SOME = 400


def restarted(scene: Scene) -> None:
    """It is stopped in good order and starts at once."""
    onlooker = Onlooker(scene)
    scene.stack.stack.restart("postgres")
    _back(scene, onlooker)


def killed(scene: Scene) -> None:
    """It is killed, twice, and starts at once."""
    onlooker = Onlooker(scene)
    for _ in range(2):
        scene.stack.stack.kill("postgres")
        scene.stack.stack.restart("postgres")
        _back(scene, onlooker)


def away(scene: Scene) -> None:
    """It is killed, and stays away."""
    onlooker = Onlooker(scene)
    scene.stack.stack.kill("postgres")
    try:
        during(POSTGRES_AWAY, lambda: _goes_on(onlooker))
    finally:
        scene.stack.stack.restart("postgres")
    _back(scene, onlooker)


def frozen(scene: Scene) -> None:
    """It stands still, with all its connections."""
    onlooker = Onlooker(scene)
    scene.stack.stack.pause("postgres")
    try:
        during(POSTGRES_AWAY, lambda: _goes_on(onlooker))
    finally:
        scene.stack.stack.resume("postgres")
    _back(scene, onlooker)


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.reads_on()
    onlooker.is_refused("POST", "/users/", {"username": "nobody"})
    onlooker.is_refused("POST", f"/users/{onlooker.ann}/follow/{onlooker.bob}")


def _back(scene: Scene, onlooker: Onlooker) -> None:
    scene.rest(SOME)
    onlooker.follows_on()
    onlooker.posts_on()
    onlooker.sees_everything()


FAULTS = [
    Fault("postgres-restarted", restarted),
    Fault("postgres-killed", killed),
    Fault("postgres-away", away),
    Fault("postgres-frozen", frozen),
]
