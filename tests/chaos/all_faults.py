"""Every fault by its name: each module of the folder ``faults`` has some."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.fault import Fault
from tests.chaos.scene import Scene
from tests.chaos.trial import Trial, attempt

FOLDER = Path(__file__).parent / "faults"


def all_faults() -> dict[str, Fault]:
    """Return the faults of all modules, module after module. Raises ValueError for a name that is there twice."""
    names = sorted(path.stem for path in FOLDER.glob("*.py"))
    faults = [fault for name in names for fault in importlib.import_module(f"tests.chaos.faults.{name}").FAULTS]
    by_name = {fault.name: fault for fault in faults}
    if len(by_name) < len(faults):
        raise ValueError("two faults have one name")
    return by_name


def strike_together(scene: Scene, name: str, faults: Sequence[str]) -> Trial:
    """Have these faults strike one after the other under one load; return the trial of this name."""
    trial, known = Trial(name), all_faults()
    attempt(scene, trial, [known[fault] for fault in faults], lambda words: None)
    return trial
