"""Makes the keyspace and tables of the post store: what the command ``migrate`` does in Cassandra.

Each ``schema/*.cql`` is run every time, in the order of the names; its statements are safe to repeat. Two may run
them at once, because everybody has them made by the same node, one after the other: two nodes that make a table at
the same moment make two, by different ids, and never agree.

Asks Cassandra how the keyspace of the posts is: its copies, and whether nodes write to disk what they confirm.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.driver import ERRORS, FAST, Address, at_start, open_cluster

#: Seconds for one change of the schema: it takes 0.1 to 0.2 s on a quiet machine, and all nodes must agree.
TIMEOUT: Final = 30.0

TABLES: Final = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"


async def migrate(settings: Settings) -> list[str]:
    """Make what is missing and return its names; an empty list where all was there.

    Safe to run twice and by two at once. Raises StoreUnavailable, and SetupError for a refused login.
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
        node = _maker(session)
        before = _tables(session, keyspace)
        session.execute(_create(keyspace, settings.replication_factor), timeout=TIMEOUT, host=node)
        # Whoever finds that it is there already is not told when the other nodes know of it, too.
        cluster.refresh_schema_metadata(TIMEOUT)
        session.set_keyspace(keyspace)
        for statement in statements():
            session.execute(statement, timeout=TIMEOUT, host=node)
        return sorted(f"table {keyspace}.{table}" for table in _tables(session, keyspace) - before)


def _maker(session: Any) -> Any:  # noqa: ANN401  the driver has no types
    """Return the node that makes everything: the first by its id of those that are there."""
    return min(session.get_pool_state(), key=lambda host: str(host.host_id))


def _create(keyspace: str, copies: int) -> str:
    """Return the statement for the keyspace; ``Address`` has made sure that its name is harmless.

    NetworkTopologyStrategy also on one node: SimpleStrategy ignores racks and data centres, and moving away
    from it later means streaming everything. ``replication_factor`` counts for each data centre there is.
    """
    return (
        f"CREATE KEYSPACE IF NOT EXISTS {keyspace} "
        f"WITH replication = {{'class': 'NetworkTopologyStrategy', 'replication_factor': {copies:d}}}"
    )


def _tables(session: Any, keyspace: str) -> set[str]:  # noqa: ANN401  the driver has no types
    return {name for (name,) in session.execute(TABLES, (keyspace,), timeout=TIMEOUT)}


_KEYSPACE: Final = "SELECT replication, durable_writes FROM system_schema.keyspaces WHERE keyspace_name = ?"
#: A virtual table: what the node that is asked goes by. Not every role may read it.
_SETTING: Final = "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'"


@dataclass(frozen=True, slots=True)
class KeyspaceState:
    """The post store's keyspace as Cassandra has it."""

    name: str
    #: Of the data centre that has the fewest.
    copies: int
    durable_writes: bool
    #: ``commitlog_sync`` of a node that was asked, None where it does not tell.
    commitlog_sync: str | None


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
