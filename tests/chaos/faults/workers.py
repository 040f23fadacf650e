"""Workers that die, freeze, stop, come and go."""

import re
import shutil
import signal
import time

from tests.chaos import fleet
from tests.chaos.fault import Fault
from tests.chaos.scene import SOME, Scene
from tests.support.live.worker import Worker

#: Seconds that a worker may take to end when it is asked to.
GRACEFUL = 10.0
#: What a worker logs when it begins to read changelogs.
RECOVERS = b"Highwater for active changelog partitions"
#: Events that wait for Redis when a worker dies with all their fan-outs under way.
UNDER_WAY = 50


def killed_in_fan_out(scene: Scene) -> None:
    """Redis stands still until many fan-outs are under way; then the worker dies, and Redis goes on."""
    for worker in list(scene.workers):
        scene.stack.stack.pause("valkey")
        try:
            _get_stuck(scene, worker)
            fleet.kill(scene, worker)
        finally:
            scene.stack.stack.resume("valkey")
        scene.rest()
        scene.restart(worker)
        scene.rest()


def killed_in_recovery(scene: Scene) -> None:
    """A worker without a table dies three times while it reads the changelog back, or right after."""
    worker = scene.random.choice(scene.workers)
    for moment in (0.0, 0.1, 0.5):
        fleet.kill(scene, worker)
        shutil.rmtree(fleet.folder(worker))
        _start_recovery(scene, worker)
        time.sleep(moment)
    fleet.kill(scene, worker)
    scene.restart(worker)
    scene.rest()


def all_killed(scene: Scene) -> None:
    """All workers die at once, and come back."""
    for worker in scene.workers:
        assert worker.process is not None
        worker.process.send_signal(signal.SIGKILL)
    for worker in scene.workers:
        worker.ended()
    for worker in scene.workers:
        scene.restart(worker)
    scene.rest()


def terminated(scene: Scene) -> None:
    """A worker that is asked to end does in time, and leaves nothing behind that others have to do again."""
    fleet.restart_all(scene, "tests.chaos.witness")
    fleet.share(scene)
    scene.rest(2 * SOME)
    leaving, staying = scene.random.sample(scene.workers, 2)
    read_before = len(begun(staying))
    asked = time.monotonic()
    fleet.stop(scene, leaving)
    assert time.monotonic() - asked < GRACEFUL, leaving.tail()
    fleet.take_over(scene, [staying])
    scene.rest()
    assert set(begun(leaving)) & set(begun(staying)[read_before:]) == set(), "begun by both"
    scene.restart(leaving)
    fleet.restart_all(scene, "tests.support.live.probe")


def third_comes_and_goes(scene: Scene) -> None:
    """A third worker joins and leaves: asked to, and by a kill."""
    for leave in (signal.SIGTERM, signal.SIGKILL):
        third = scene.join()
        scene.rest()
        scene.leave(third, leave)
        scene.rest()


def frozen(scene: Scene) -> None:
    """A worker stands still for longer than its session, in which others have done its work, and then goes on."""
    for worker in list(scene.workers):
        with fleet.frozen(scene, worker):
            fleet.take_over(scene, fleet.others(scene, worker))
            scene.rest()
        fleet.share(scene)
        scene.rest()


def _get_stuck(scene: Scene, worker: Worker) -> None:
    before = worker.probe()["unacked"]
    scene.eventually(lambda: worker.probe()["unacked"] > before + UNDER_WAY, worker)


def _start_recovery(scene: Scene, worker: Worker) -> None:
    seen = worker.log.stat().st_size
    worker.start(**scene.settings)
    scene.eventually(lambda: RECOVERS in worker.log.read_bytes()[seen:], worker)


def begun(worker: Worker) -> list[str]:
    """Return the events whose effects a worker has begun, by lane and offset (see the witness)."""
    return re.findall(r"effect_begun (\S+ \d+)", worker.log.read_text(errors="replace"))


FAULTS = [
    Fault("worker-killed-in-fan-out", killed_in_fan_out),
    Fault("worker-killed-in-recovery", killed_in_recovery),
    Fault("all-workers-killed", all_killed),
    Fault("worker-terminated", terminated),
    Fault("third-worker-comes-and-goes", third_comes_and_goes),
    Fault("worker-frozen", frozen),
]
