"""PostgreSQL restarted, killed, away: who is known posts and reads meanwhile; who follows is told to come back."""

from tests.chaos.absence import away, dead, frozen
from tests.chaos.fault import Fault
from tests.chaos.lasting import POSTGRES_AWAY
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene


def is_restarted(scene: Scene) -> None:
    """It is stopped in good order and starts at once."""
    onlooker = Onlooker(scene)
    scene.stack.stack.restart("postgres")
    scene.rest()
    _back(onlooker)


def is_killed(scene: Scene) -> None:
    """It is killed, twice, and starts at once."""
    onlooker = Onlooker(scene)
    for _ in range(2):
        with dead(scene, "postgres"):
            pass
        scene.rest()
        _back(onlooker)


def is_away(scene: Scene) -> None:
    """It is killed, and stays away."""
    _back(away(scene, "postgres", dead, POSTGRES_AWAY, _goes_on))


def is_frozen(scene: Scene) -> None:
    """It stands still, with all its connections."""
    _back(away(scene, "postgres", frozen, POSTGRES_AWAY, _goes_on))


def _goes_on(onlooker: Onlooker) -> None:
    onlooker.posts_on()
    onlooker.reads_on()
    onlooker.is_refused_follows()


def _back(onlooker: Onlooker) -> None:
    onlooker.follows_on()
    onlooker.posts_on()
    onlooker.sees_everything()


FAULTS = [
    Fault("postgres-restarted", is_restarted),
    Fault("postgres-killed", is_killed),
    Fault("postgres-away", is_away),
    Fault("postgres-frozen", is_frozen),
]
