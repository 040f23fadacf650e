"""Two workers on the session's stack, which faults strike."""

from tests.system.chaos.conftest import scene

__all__ = ["scene"]
