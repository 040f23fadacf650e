"""What is kept of a trial that went wrong: the logs of workers and parts, and every call as the client saw it."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from tests.chaos.scene import Scene
from tests.chaos.trial import Trial

FOLDER = Path(".data-chaos")


def keep(scene: Scene, trial: Trial) -> Path:
    """Copy it below ``.data-chaos``, in place of what an earlier trial of the name left there; return the folder."""
    folder = FOLDER / trial.name.replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(scene.stack.stack.data_dir / "logs", folder)
    with (folder / "calls.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(asdict(call))}\n" for call in trial.history.calls)
    return folder
