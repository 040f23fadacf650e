"""What workers log that they should not, and which of it a fault may cause."""

from pathlib import Path

from tests.chaos.fault import Fault
from tests.chaos.scene import Scene
from tests.support.churn.outcome import ALARMS

#: No fault may make a timeline wrong, even where it is mended behind.
NEVER = "timeline_repaired"


class Watch:
    """Reads what is logged from now on."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._begun = {worker.log: worker.log.stat().st_size for worker in scene.everyone}
        self._tolerated: set[str] = set()

    def tolerate(self, fault: Fault) -> None:
        """Let this fault cause what it may."""
        self._tolerated |= fault.tolerated - {NEVER}

    def alarms(self) -> list[str]:
        """Return the lines that must not be there."""
        lines = [line for worker in self._scene.everyone for line in self._logged(worker.log)]
        return [line for line in lines if (found := ALARMS.search(line)) and found[0] not in self._tolerated]

    def _logged(self, log: Path) -> list[str]:
        with log.open("rb") as file:
            file.seek(self._begun.get(log, 0))
            return file.read().decode(errors="replace").splitlines()
