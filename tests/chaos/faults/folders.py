"""A worker's folder: gone, or given to two."""

import shutil

from tests.chaos import fleet
from tests.chaos.fault import Fault
from tests.chaos.scene import Scene
from tests.support.live.ports import free_port
from tests.support.live.worker import Worker

#: The exit status of every expected failure.
EXPECTED = 3


def deleted(scene: Scene) -> None:
    """A worker's tables are deleted while it is stopped: it reads them back from the changelog."""
    worker = scene.random.choice(scene.workers)
    fleet.stop(scene, worker)
    shutil.rmtree(fleet.folder(worker))
    scene.rest()
    scene.restart(worker)
    scene.rest()


def given_to_two(scene: Scene) -> None:
    """A second worker of the same name says in one line what is wrong, and ends; the first one notices nothing."""
    first = scene.random.choice(scene.workers)
    before = first.probe()
    log = first.log.with_name(f"{first.name}-second.log")
    second = Worker(first.name, free_port(), first.environment, log)
    second.start(**scene.settings)
    assert second.ended() == EXPECTED, second.tail()
    said = [line for line in log.read_text().splitlines() if line.startswith("microblog: ")]
    assert len(said) == 1, second.tail()
    assert "give this one another MICROBLOG_WORKER" in said[0]
    scene.rest()
    after = first.probe()
    assert {what: after[what] for what in ("generation", "owned")} == {
        what: before[what] for what in ("generation", "owned")
    }


FAULTS = [
    Fault("folder-deleted", deleted),
    Fault("folder-given-to-two", given_to_two),
]
