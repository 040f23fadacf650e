"""Background services of a worker: they start and stop with it."""
