"""Redis: home timelines, caches, rate counters and the registry of workers. The only code that sends Redis commands."""
