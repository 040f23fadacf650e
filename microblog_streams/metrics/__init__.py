"""The metrics of a worker: their definitions, the times of store calls, and the text that Prometheus reads."""
