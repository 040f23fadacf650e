"""Long-running parts of a worker, as services that start and stop with it."""
