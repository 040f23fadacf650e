"""A part that is away for a while, dead or frozen, while a user goes on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.chaos.lasting import during
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import Scene


@contextmanager
def dead(scene: Scene, part: str) -> Iterator[None]:
    """Kill a part; start it again after the block."""
    scene.stack.stack.kill(part)
    try:
        yield
    finally:
        scene.stack.stack.restart(part)


@contextmanager
def frozen(scene: Scene, part: str) -> Iterator[None]:
    """Have a part stand still within the block, with all its connections."""
    scene.stack.stack.pause(part)
    try:
        yield
    finally:
        scene.stack.stack.resume(part)


def away(
    scene: Scene,
    part: str,
    how: Callable[[Scene, str], AbstractContextManager[None]],
    seconds: float,
    meanwhile: Callable[[Onlooker], None],
) -> Onlooker:
    """Have a part be away for so long, ``dead`` or ``frozen``, and a user go on meanwhile; return that user."""
    onlooker = Onlooker(scene)
    with how(scene, part):
        during(seconds, lambda: meanwhile(onlooker))
    scene.rest()
    return onlooker
