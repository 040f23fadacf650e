"""A stack of its own with two workers, for as long as a block lasts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from microblog_streams.config.settings import PREFIX
from tests.chaos.scene import Scene
from tests.support.live.kafka import Kafka
from tests.support.live.processes import migrate_stack, wait_until
from tests.support.live.stack import RunningStack, running_stack

#: Workers at the start of every fault.
WORKERS = 2


@contextmanager
def arena() -> Iterator[Scene]:
    """Start a stack whose stores are empty, and the workers."""
    with running_stack() as stack:
        migrate_stack(stack)
        with scene_on(stack) as scene:
            yield scene


@contextmanager
def scene_on(stack: RunningStack) -> Iterator[Scene]:
    """Start the workers on a stack that is there; end all that run in the end."""
    scene = Scene(stack, Kafka(stack.environment[f"{PREFIX}KAFKA_URL"]), wait_until)
    try:
        for _ in range(WORKERS):
            scene.join()
        yield scene
    finally:
        for worker in scene.everyone:
            if worker.process is not None and worker.process.poll() is None:
                worker.process.send_signal(signal.SIGCONT)
                worker.process.kill()
                worker.process.wait()
