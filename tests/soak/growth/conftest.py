"""Real workers on a stack of their own, whose partitions grow."""

from tests.support.live.growing import command, kafka, parts, stack, two, workers

__all__ = ["command", "kafka", "parts", "stack", "two", "workers"]
