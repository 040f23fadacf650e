"""Two random faults at once: parts, workers, and the network of one worker."""

from tests.chaos.fault import Fault
from tests.chaos.harms import choose_pair
from tests.chaos.lasting import SHORT, TWO_AT_ONCE, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene

#: Tries of a call that must work once both are over.
TRIES = 10


def at_once(scene: Scene) -> None:
    """The second begins and ends within the first. Afterwards everything is there that was answered."""
    first, second = choose_pair(scene.random)
    seconds = scene.random.uniform(SHORT, TWO_AT_ONCE)
    scene.struck.append(f"{first.name} + {second.name} for {seconds:.0f} s")
    onlooker = Onlooker(scene, tries=TRIES)
    with first.prepared(scene) as begin_first, second.prepared(scene) as begin_second, begin_first(), begin_second():
        during(seconds)
    scene.rest()
    onlooker.posts_on()
    onlooker.sees_everything()


FAULTS = [Fault("two-at-once", at_once)]
