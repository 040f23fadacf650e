"""The real infrastructure as local processes: what ``make run``, ``make infra``, the tests and the demo start.

Kafka, Cassandra, PostgreSQL and Valkey run as child processes on loopback below one data folder, with nothing
but pip: no containers, no system packages. ``Stack`` (stack.py) is the way in.
"""
