"""Backups of a local stack while it serves, and a new stack that begins with one.

PostgreSQL by ``pg_basebackup``; Cassandra by a snapshot, whose files are copied and, in the end, read by ``refresh``.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from psycopg2.extensions import make_dsn

from microblog_streams.local.cassandra import KEYSPACE, Cassandra
from microblog_streams.local.options import load_local_settings
from microblog_streams.local.ports import HOST
from microblog_streams.local.postgres import USER, Postgres, binary
from microblog_streams.local.stack import PARTS, Stack
from tests.support.live.stack import RunningStack
from tests.support.servers.node_tool import jmx_option, node_tool
from tests.support.servers.postgres_standby import admit_replicas
from tests.support.waiting import PATIENT_SECONDS

#: Of the keyspace, in the order of the backup: the index before the bodies that it names. What is written in between
#: then is a body without an index row, which ``rebuild posts`` mends; the other way round a text would be lost.
TABLES = ("posts_by_author", "posts_by_id")
#: The name of a table's snapshot.
TAG = "drill"


class ManagedCassandra(Cassandra):
    """Cassandra with a JMX port, by which nodetool takes snapshots."""

    port_names = (*Cassandra.port_names, "cassandra-jmx")

    def command(self) -> list[str]:
        """Return the command line."""
        *options, main = super().command()
        return [*options, jmx_option(self._jmx_port), main]

    def tool(self, stack: Stack, *arguments: str) -> None:
        """Run a command of nodetool's."""
        assert stack.children
        node_tool(self, stack.children, self._jmx_port, *arguments)

    def tables(self) -> Mapping[str, Path]:
        """Return the folders of the keyspace's tables, whose names end with the tables' ids."""
        return {folder.name.partition("-")[0]: folder for folder in (self.home / "data" / KEYSPACE).iterdir()}

    @property
    def _jmx_port(self) -> int:
        return self.place.ports["cassandra-jmx"]


def cassandra_of(stack: Stack) -> ManagedCassandra:
    node = stack.parts["cassandra"]
    assert isinstance(node, ManagedCassandra)
    return node


@contextmanager
def managed_stack(data_dir: Path) -> Iterator[RunningStack]:
    """Start a stack on a folder for as long as the block lasts; ``destroy`` may end it before."""
    parts = [ManagedCassandra if part is Cassandra else part for part in PARTS]
    with Stack(data_dir, load_local_settings(), parts) as running:
        yield RunningStack(running, running.settings.model_copy(update={"store_timeout": PATIENT_SECONDS}))


def back_up_postgres(stack: Stack, to: Path) -> None:
    """Copy the whole server with the write-ahead log of that time, and its password."""
    server = stack.parts["postgres"]
    assert isinstance(server, Postgres)
    assert stack.children
    admit_replicas(server)
    to.mkdir(parents=True)
    (to / "data").mkdir(mode=0o700)
    server.identity.own(to / "data")
    where = make_dsn(host=HOST, port=server.port, user=USER, password=server._password())
    flags = ("-D", str(to / "data"), "-X", "stream", "-c", "fast", "-d", where)
    server.run_tool(stack.children, server.identity.command([str(binary("pg_basebackup")), *flags]))
    shutil.copy2(server.home / "password", to / "password")


def restore_postgres(data_dir: Path, backup: Path) -> None:
    """Have a stack that was never started on this folder begin with a backup."""
    (data_dir / "postgres").mkdir(parents=True)
    for name in ("data", "password"):
        shutil.move(backup / name, data_dir / "postgres" / name)


def back_up_cassandra(stack: Stack, to: Path) -> None:
    """Take a snapshot of each table, which flushes it and links its files, and copy them."""
    node = cassandra_of(stack)
    for table in TABLES:
        node.tool(stack, "snapshot", f"{KEYSPACE}.{table}", TAG)
    for table, folder in node.tables().items():
        shutil.copytree(folder / "snapshots" / TAG, to / table)


def restore_cassandra(stack: Stack, backup: Path) -> None:
    """Put the files of a snapshot into tables that ``migrate`` has just made."""
    node = cassandra_of(stack)
    for table, folder in node.tables().items():
        for file in (backup / table).glob("*-*"):
            shutil.copy2(file, folder)
        node.tool(stack, "refresh", KEYSPACE, table)


def destroy(stack: Stack) -> None:
    """End all parts as a power failure would, and remove their data."""
    for name in stack.parts:
        stack.kill(name)
    for name in (*stack.parts, "workers"):
        shutil.rmtree(stack.data_dir / name)
