"""Folders for stacks."""

from tests.system.local.conftest import folder, processes

__all__ = ["folder", "processes"]
