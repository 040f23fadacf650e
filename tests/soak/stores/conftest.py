"""The servers on which the stores are tested."""

from tests.integration.stores.conftest import keyspace_settings, redis_cluster, redis_server, redis_settings

__all__ = ["keyspace_settings", "redis_cluster", "redis_server", "redis_settings"]
