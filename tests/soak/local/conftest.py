"""Folders for stacks, and launchers."""

from tests.system.local.conftest import eventually, folder, processes
from tests.system.local.test_launcher import keep, launched

__all__ = ["eventually", "folder", "keep", "launched", "processes"]
