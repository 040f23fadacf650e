"""Home timelines: reading them, and rebuilding and auditing the lists that are kept in Redis."""
