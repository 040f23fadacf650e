"""Redis: home timelines, caches, rate counters and the worker registry. The only code that sends Redis commands."""
