"""Every fault by its name: each module of the folder ``faults`` has some."""

import importlib
from pathlib import Path

from tests.chaos.fault import Fault

FOLDER = Path(__file__).parent / "faults"


def all_faults() -> dict[str, Fault]:
    """Return the faults of all modules, module after module. Raises ValueError for a name that is there twice."""
    names = sorted(path.stem for path in FOLDER.glob("*.py"))
    faults = [fault for name in names for fault in importlib.import_module(f"tests.chaos.faults.{name}").FAULTS]
    by_name = {fault.name: fault for fault in faults}
    if len(by_name) < len(faults):
        raise ValueError("two faults have one name")
    return by_name
