"""``python -m tests.chaos.run``: every fault alone under load on one stack, then a mix of them at random.

FAULT=name,name picks some (``mix`` is the mix), SECONDS=60 is how long the mix goes on, SEED=… has it come out as
before. Prints a table; ends with status 1 unless nothing was wrong. What each fault last came to is kept in a file.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.machine import machine
from tests.chaos.all_faults import all_faults
from tests.chaos.arena import arena
from tests.chaos.evidence import keep
from tests.chaos.fault import Fault
from tests.chaos.lasting import RATE, SCALE
from tests.chaos.scene import Scene
from tests.chaos.table import row, table, wrong
from tests.chaos.trial import Trial, attempt, set_up

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "chaos.json"
MIX, SECONDS, TWO = "mix", 60.0, "two-at-once"
#: Columns of the table where no terminal says how wide it is.
WIDE = 180


@dataclass
class Runner:
    """Runs trials on one stack; after one that broke something, on a new one."""

    console: Console
    seed: int
    trials: list[Trial] = field(default_factory=list)
    _open: ExitStack = field(default_factory=ExitStack)
    _scene: Scene | None = None

    def alone(self, fault: Fault) -> None:
        """Run one fault."""
        self._run(Trial(fault.name), fault, iter([fault]))

    def mixed(self, faults: list[Fault], seconds: float) -> None:
        """Run faults at random for so long, under one load, every second one two at once.

        Those with settings of their own are left out.
        """
        usual = [fault for fault in faults if not fault.settings]
        name = f"{MIX} of {seconds:.0f} s"
        self._run(Trial(name), usual[0], self._choose(self._chance(name), usual, seconds))

    def close(self) -> None:
        """Stop the stack."""
        self._open.close()
        self._scene = None

    def _chance(self, name: str) -> random.Random:
        # One of its own for each trial, so that one comes out the same without those before it.
        return random.Random(f"{self.seed} {name}")

    @staticmethod
    def _choose(chance: random.Random, faults: list[Fault], seconds: float) -> Iterator[Fault]:
        begun, two = time.monotonic(), [fault for fault in faults if fault.name == TWO]
        while time.monotonic() - begun < seconds:
            yield chance.choice(faults)
            yield from two

    def _run(self, trial: Trial, first: Fault, faults: Iterator[Fault]) -> None:
        self.trials.append(trial)
        with self.console.status(f"{trial.name}: sets up") as status:
            try:
                scene = self._scene = self._scene or self._open.enter_context(arena())
                scene.random = self._chance(trial.name)
                set_up(scene, first)
                attempt(scene, trial, faults, status.update)
            except (Exception, pytest.fail.Exception) as exc:
                trial.failure = "".join(traceback.format_exception(exc))
        if self._scene and not trial.good:
            self.console.print(f"{trial.name}: logs and calls are in {keep(self._scene, trial)}", highlight=False)
        record(trial, self.seed)
        if trial.failure:
            self.close()
        verdict = "good" if trial.good else "[red]wrong[/red]"
        self.console.print(f"{trial.name}: {verdict}: {trial.summary}", highlight=False)
        for name, figure in trial.figures.items():
            self.console.print(f"  {name}: {figure}", markup=False, highlight=False)
        for line in wrong(trial):
            self.console.print(f"  {line}", markup=False, highlight=False)


def record(trial: Trial, seed: int) -> None:
    """Keep what a fault came to, in place of what it came to before."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    how: dict[str, Any] = {"struck": trial.struck} if trial.struck else {}
    how |= {"figures": trial.figures} if trial.figures else {}
    how |= {"seed": seed, "scale": SCALE, "rate": RATE, "machine": machine()}
    known[trial.name] = {"good": trial.good, **row(trial), **how}
    RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def main(environment: Mapping[str, str]) -> int:
    """Run what the environment asks for; return the exit status."""
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    seed = int(environment.get("SEED") or random.randrange(10**6))
    faults, picked = all_faults(), [name for name in environment.get("FAULT", "").split(",") if name]
    if unknown := {*picked} - {*faults, MIX}:
        console.print(f"There is no fault {', '.join(unknown)}. There are: {', '.join(faults)}, {MIX}.")
        return 2
    console.print(f"SEED={seed}", highlight=False)
    runner = Runner(console, seed)
    try:
        for name, fault in faults.items():
            if not picked or name in picked:
                runner.alone(fault)
        if not picked or MIX in picked:
            runner.mixed(list(faults.values()), float(environment.get("SECONDS") or SECONDS))
    finally:
        runner.close()
        console.print(table(runner.trials))
    return 0 if all(trial.good for trial in runner.trials) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(os.environ))
