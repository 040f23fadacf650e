"""Rate limits: how many requests a caller may make, counted for all workers together."""
