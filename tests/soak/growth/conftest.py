"""Real workers of a deployment of their own, whose partitions grow."""

from tests.support.live.growing import command, kafka, parts, separate, two, workers

__all__ = ["command", "kafka", "parts", "separate", "two", "workers"]
