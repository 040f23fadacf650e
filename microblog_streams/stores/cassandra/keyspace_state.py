"""Asks Cassandra how the keyspace of the posts is: its copies, and whether nodes write to disk what they confirm."""

from collections.abc import Mapping
from typing import Final

from microblog_streams.cluster_status.durability_checks import KeyspaceState
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.driver import FAST

_KEYSPACE: Final = "SELECT replication, durable_writes FROM system_schema.keyspaces WHERE keyspace_name = ?"
#: A virtual table: what the node that is asked goes by. Not every role may read it.
_SETTING: Final = "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'"


async def keyspace_state(cassandra: Cassandra, keyspace: str) -> KeyspaceState:
    """Return how the keyspace is. Raises StoreUnavailable."""
    rows = await cassandra.execute(_KEYSPACE, (keyspace,), FAST)
    if not rows:
        raise StoreUnavailable("cassandra", f"keyspace {keyspace} is not there")
    ((replication, durable),) = rows
    return KeyspaceState(keyspace, copies(replication), bool(durable), await _commitlog_sync(cassandra))


def copies(replication: Mapping[str, str]) -> int:
    """Return the copies in the data centre that has the fewest; ``3/1`` (transient replication) is 2 whole ones."""
    numbers = [value.partition("/") for name, value in replication.items() if name != "class"]
    return min((int(whole) - int(transient or 0) for whole, _, transient in numbers), default=1)


async def _commitlog_sync(cassandra: Cassandra) -> str | None:
    try:
        rows = await cassandra.execute(_SETTING, (), FAST)
    except Exception:
        return None
    return str(rows[0][0]) if rows else None
