"""Real workers on a stack of their own, for what takes minutes."""

from tests.support.live.fixtures import eventually, kafka, migrate, migrated, module_workers, people, workers
from tests.support.live.stack import stack

__all__ = ["eventually", "kafka", "migrate", "migrated", "module_workers", "people", "stack", "workers"]
