"""The user that PostgreSQL runs as: the one who starts it, or ``nobody`` for root, whom PostgreSQL refuses."""

import os
import pwd
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from microblog_streams.domain.errors import SetupError
from microblog_streams.local import as_user

_ROOTS_STAND_IN = "nobody"


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
        user = pwd.getpwnam(_ROOTS_STAND_IN)
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
