"""One real stack for the whole session: Kafka, Cassandra, PostgreSQL and Valkey below a folder of its own."""

from tests.support.live.stack import stack

__all__ = ["stack"]
