"""The keyspace of the post store: created by the command ``migrate``, and its state for the durability checks.

``migrate`` runs every ``schema/*.cql`` each time, by name; the statements are safe to repeat. Concurrent runs are safe
because all use the same node as coordinator: two nodes that create a table at the same moment create it with different
ids and never agree.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from cassandra import Unauthorized

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.driver import ERRORS, FAST, Address, at_start, open_cluster

#: For one schema change: it takes 0.1 to 0.2 s on an idle machine, and all nodes must agree.
SCHEMA_CHANGE_SECONDS: Final = 30.0

_EXISTS: Final = "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = %s"
TABLES: Final = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"


async def migrate(settings: Settings) -> list[str]:
    """Create missing tables and return their names.

    Safe to repeat and to run concurrently. Raises StoreUnavailable, SetupError for a refused login.
    """
    try:
        return await asyncio.to_thread(_migrate, settings)
    except ERRORS as error:
        raise at_start(error) from error


def statements() -> Iterator[str]:
    """Return the statements of all schema files, without their comments."""
    folder = files(__package__) / "schema"
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".cql")), key=lambda f: f.name):
        text = re.sub(r"--.*", "", file.read_text(encoding="utf-8"))
        yield from filter(None, map(str.strip, text.split(";")))


def _migrate(settings: Settings) -> list[str]:
    keyspace = Address.of(settings).keyspace
    with open_cluster(settings) as cluster:
        session = cluster.connect()
        node = _coordinator(session)
        before = _tables(session, keyspace)
        _make_keyspace(session, node, keyspace, settings.replication_factor)
        # An existing keyspace is reported at once; the other nodes may not know it yet.
        cluster.refresh_schema_metadata(SCHEMA_CHANGE_SECONDS)
        session.set_keyspace(keyspace)
        for statement in statements():
            session.execute(statement, timeout=SCHEMA_CHANGE_SECONDS, host=node)
        return sorted(f"table {keyspace}.{table}" for table in _tables(session, keyspace) - before)


def _make_keyspace(session: Any, node: Any, keyspace: str, copies: int) -> None:  # noqa: ANN401  the driver has no types
    """Make the keyspace where it is missing, which needs a right on all keyspaces; later runs may be without it.

    The statement comes first. One that looked for the keyspace could see the row of another run's before the node knows
    the keyspace itself.
    """
    try:
        session.execute(_create(keyspace, copies), timeout=SCHEMA_CHANGE_SECONDS, host=node)
    except Unauthorized:
        if not list(session.execute(_EXISTS, (keyspace,), timeout=SCHEMA_CHANGE_SECONDS)):
            raise


def _coordinator(session: Any) -> Any:  # noqa: ANN401  the driver has no types
    """Return the coordinator of all schema changes: the reachable node with the lowest id."""
    return min(session.get_pool_state(), key=lambda host: str(host.host_id))


def _create(keyspace: str, copies: int) -> str:
    """Return the statement for the keyspace; ``Address`` has validated its name.

    NetworkTopologyStrategy also on one node: SimpleStrategy ignores racks and data centres, and a later change streams
    all data. ``replication_factor`` applies to each data centre.
    """
    return (
        f"CREATE KEYSPACE IF NOT EXISTS {keyspace} "
        f"WITH replication = {{'class': 'NetworkTopologyStrategy', 'replication_factor': {copies:d}}}"
    )


def _tables(session: Any, keyspace: str) -> set[str]:  # noqa: ANN401  the driver has no types
    return {name for (name,) in session.execute(TABLES, (keyspace,), timeout=SCHEMA_CHANGE_SECONDS)}


_KEYSPACE: Final = "SELECT replication, durable_writes FROM system_schema.keyspaces WHERE keyspace_name = ?"
#: A virtual table with the settings of the node that answers. Not every role may read it.
_SETTING: Final = "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'"


@dataclass(frozen=True, slots=True)
class KeyspaceState:
    """The post store's keyspace as Cassandra has it."""

    name: str
    #: In the data centre with the fewest.
    copies: int
    durable_writes: bool
    #: ``commitlog_sync`` of one node; None if the role may not read it.
    commitlog_sync: str | None


async def keyspace_state(cassandra: Cassandra, keyspace: str) -> KeyspaceState:
    """Read the state of a keyspace. Raises StoreUnavailable."""
    rows = await cassandra.execute(_KEYSPACE, (keyspace,), FAST)
    if not rows:
        raise StoreUnavailable("cassandra", f"keyspace {keyspace} does not exist")
    ((replication, durable),) = rows
    return KeyspaceState(keyspace, copies(replication), bool(durable), await _commitlog_sync(cassandra))


def copies(replication: Mapping[str, str]) -> int:
    """Return the smallest number of full copies in a data centre; ``3/1`` (transient replication) counts as 2."""
    numbers = [value.partition("/") for name, value in replication.items() if name != "class"]
    return min((int(whole) - int(transient or 0) for whole, _, transient in numbers), default=1)


async def _commitlog_sync(cassandra: Cassandra) -> str | None:
    try:
        rows = await cassandra.execute(_SETTING, (), FAST)
    except Exception:
        return None
    return str(rows[0][0]) if rows else None
