"""A second PostgreSQL that follows the stack's own by streaming replication, and takes its place when it is told to."""

import shutil
from contextlib import closing

import psycopg2
from psycopg2.extensions import make_dsn

from microblog_streams.local.ports import HOST
from microblog_streams.local.postgres import DATABASE, USER, Postgres, binary
from microblog_streams.local.process import Children
from microblog_streams.local.server import ServerPaths
from microblog_streams.local.stack import Stack
from tests.support.live.ports import free_port
from tests.support.live.processes import wait_until

#: Who may come for replication: "all" in pg_hba.conf leaves that out.
REPLICAS = f"host replication all {HOST}/32 scram-sha-256\n"


class Standby(Postgres):
    """A part of the stack like the others. Its data is a copy of another server's."""

    name = "standby"
    port_names = ("standby",)

    def __init__(self, place: ServerPaths, primary: Postgres) -> None:
        super().__init__(place)
        self.primary = primary

    def prepare(self, children: Children) -> None:
        """Copy the primary, unless that was done before."""
        self.home.mkdir(parents=True, exist_ok=True)
        if not self._cluster.exists():
            copy(self.primary, self, children)
        super().prepare(children)

    def _password(self) -> str:
        return self.primary._password()


def add_standby(stack: Stack) -> Standby:
    """Start a standby of the stack's PostgreSQL; wait until it answers."""
    primary = stack.parts["postgres"]
    assert isinstance(primary, Postgres)
    place = ServerPaths(stack.data_dir, primary.place.cache_dir, {**primary.place.ports, "standby": free_port()})
    standby = Standby(place, primary)
    admit_replicas(primary)
    stack.parts["standby"] = standby
    stack.restart("standby")
    return standby


def admit_replicas(server: Postgres) -> None:
    """Let standbys log in, until the server is started again. Returns once new connections may."""
    with (server._cluster / "pg_hba.conf").open("a") as file:
        file.write(REPLICAS)
    ((before,),) = run(server, "SELECT pg_conf_load_time()")
    run(server, "SELECT pg_reload_conf()")
    wait_until(lambda: run(server, "SELECT pg_conf_load_time()") != [(before,)])


def copy(primary: Postgres, to: Postgres, children: Children) -> None:
    """Make one server's data a copy of another's that runs, which follows it when it is started."""
    where = make_dsn(host=HOST, port=primary.port, user=USER, password=primary._password())
    new = to.home / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    to.identity.own(new)
    flags = ("-D", str(new), "-R", "-X", "stream", "-c", "fast", "-d", where)
    to.run_tool(children, to.identity.command([str(binary("pg_basebackup")), *flags]))
    shutil.rmtree(to._cluster, ignore_errors=True)
    new.rename(to._cluster)


def run(server: Postgres, statement: str) -> list[tuple[object, ...]]:
    """Run a statement as the server's superuser; return its rows."""
    where = make_dsn(host=HOST, port=server.port, user=USER, password=server._password(), dbname=DATABASE)
    with closing(psycopg2.connect(where)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def wait_for_replica(primary: Postgres) -> None:
    """Wait until a standby has applied all that the primary holds."""
    applied = "SELECT bool_or(replay_lsn >= pg_current_wal_lsn()) FROM pg_stat_replication"
    wait_until(lambda: run(primary, applied) == [(True,)])


def promote(standby: Postgres) -> None:
    """Have a standby take writes from now on."""
    assert run(standby, "SELECT pg_promote(true, 60)") == [(True,)]
    run(standby, "ALTER SYSTEM RESET ALL")
    run(standby, "SELECT pg_reload_conf()")
