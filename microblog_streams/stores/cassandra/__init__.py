"""Cassandra: post bodies and the author index. The only code that sends CQL."""
