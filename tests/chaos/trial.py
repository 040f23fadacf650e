"""One trial: a load, faults under it one after the other, and the comparison once everything is quiet."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.chaos.alarms import Watch
from tests.chaos.arena import WORKERS
from tests.chaos.fault import Fault
from tests.chaos.loads import load_of
from tests.chaos.scene import DEADLINE, SETTINGS, Scene
from tests.support.workload.audience import Audience
from tests.support.workload.history import History
from tests.support.workload.live_view import LiveReport
from tests.support.workload.reading import check
from tests.support.workload.report import Report

#: Told what is done now.
Say = Callable[[str], None]


@dataclass
class Trial:
    """What came of it."""

    name: str
    #: Whether readers follow timelines live meanwhile.
    is_followed: bool = True
    history: History = field(default_factory=History)
    report: Report = field(default_factory=Report)
    #: What readers of live timelines were told.
    live: LiveReport = field(default_factory=LiveReport)
    #: Longest time from a fault's end until all that was on its way then was brought about (seconds).
    caught_up: float = 0.0
    #: Lines of the workers' logs that must not be there.
    alarms: list[str] = field(default_factory=list)
    #: The random faults that struck, for people.
    struck: list[str] = field(default_factory=list)
    #: What faults have measured, by a name.
    figures: dict[str, Any] = field(default_factory=dict)
    #: What did not hold while a fault lasted.
    failure: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing was wrong."""
        told_right = self.live.good or not self.is_followed
        return not (self.failure or self.alarms or self.history.strange) and self.report.good and told_right

    @property
    def summary(self) -> str:
        """How much was looked at."""
        calls, live = sum(self.history.answered.values()), self.live
        told = f"{live.posts} posts and {live.deletions} deletions told live, {live.resets} resets"
        streams = f"{live.connections} streams, {live.resumed} resumed"
        return f"{calls} answered calls, {self.report.expected} entries checked, {told}, {streams}"


def attempt(scene: Scene, trial: Trial, faults: Iterable[Fault], say: Say) -> None:
    """Run the faults under one load, then compare; fills in the trial. Raises what a strike raises."""
    # Of their own, for they draw in threads: else their timing would decide which faults strike.
    loading, reading = Random(scene.random.getrandbits(64)), Random(scene.random.getrandbits(64))
    load = load_of(scene.workers[0], loading)
    trial.history, watch = load.history, Watch(scene)
    scene.load = load
    scene.struck, scene.figures = trial.struck, trial.figures
    people = load.people if trial.is_followed else []
    with Audience(people, load.gateway, load.history, reading) as audience:
        with load:
            scene.rest()
            for fault in faults:
                say(f"{fault.name}: strikes")
                watch.tolerate(fault)
                fault.strike(scene)
                say(f"{fault.name}: is over, catching up")
                trial.caught_up = max(trial.caught_up, _caught_up(scene))
                scene.rest()
        say(f"{trial.name}: waiting until it is quiet")
        scene.quiet()
        say(f"{trial.name}: comparing")
        trial.live = audience.compare(scene.workers[0].url, DEADLINE)
    trial.report = check(load.history, scene.workers[0].url)
    trial.alarms = watch.alarms()


def set_up(scene: Scene, fault: Fault) -> None:
    """Have the workers run with the fault's settings, and be as many as there should be."""
    wanted = {**SETTINGS, **fault.settings}
    if wanted != scene.settings:
        scene.settings = wanted
        for worker in list(scene.workers):
            scene.leave(worker)
    while len(scene.workers) < WORKERS:
        scene.join()


def _caught_up(scene: Scene) -> float:
    begun = time.monotonic()
    scene.well()
    scene.caught_up()
    return time.monotonic() - begun
