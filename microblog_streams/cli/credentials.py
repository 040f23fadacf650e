"""The file with the accounts of each server, and their tokens: ``$XDG_CONFIG_HOME/microblog/credentials.json``.

A token is as good as a password, so only the owner can read the file (mode 0600). It is replaced as a whole: after a
crash it is the old file or the new one. A lock file serializes changes, or one of two new tokens would be lost.
"""

import codecs
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import Final

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from microblog_streams.client import Identity

#: An id has at most 19 digits.
USER_ID: Final = re.compile("[0-9]{1,19}", re.ASCII)
_OTHERS_BITS = stat.S_IRWXG | stat.S_IRWXO


class Account(BaseModel):
    """A user who is signed in."""

    model_config = ConfigDict(frozen=True)

    username: str
    user: int
    token: str | None = Field(default=None, repr=False, pattern=r"\A[!-~]+\z")
    token_id: int | None = None

    @property
    def identity(self) -> Identity:
        """The identity for calls as this user."""
        return Identity(self.user, self.token)

    def matches(self, who: str) -> bool:
        """Return whether ``who`` is this user's id (only digits), or the name exactly as it is saved here.

        Only the server knows which other spellings are the same name: see ``Session.find_account``.
        """
        return who == str(self.user) if USER_ID.fullmatch(who) else who.removeprefix("@") == self.username


class Server(BaseModel):
    """The accounts of one server. The last one is the current user by default."""

    accounts: list[Account] = []

    def find(self, who: str | None) -> Account | None:
        """Return the account with a name or id, or the current user if ``who`` is None."""
        found = [account for account in self.accounts if who is None or account.matches(who)]
        return found[-1] if found else None

    def remove(self, account: Account) -> None:
        """Remove the account of this user."""
        self.accounts = [other for other in self.accounts if other.user != account.user]

    def save(self, account: Account) -> None:
        """Add an account in place of an older one of the same user; it becomes the current user."""
        self.remove(account)
        self.accounts.append(account)


class SavedAccounts(BaseModel):
    """The content of the file: servers by URL."""

    servers: dict[str, Server] = {}

    def at(self, url: str) -> Server:
        """Return a server, which is added if it is new."""
        return self.servers.setdefault(url, Server())


@dataclass(frozen=True, slots=True)
class Credentials:
    """The file; ``path`` is None if there is no home directory to keep it in."""

    path: Path | None

    def read(self) -> SavedAccounts:
        """Return the content, empty if there is no file. Raises ClickException if it cannot be read."""
        if self.path is None:
            return SavedAccounts()
        try:
            with self.path.open("rb") as file:
                self._warn_if_shared(os.fstat(file.fileno()).st_mode)
                return SavedAccounts.model_validate_json(file.read().removeprefix(codecs.BOM_UTF8))
        except FileNotFoundError:
            return SavedAccounts()
        except OSError as exc:
            raise click.ClickException(f"{self.path} cannot be read: {exc.strerror}") from None
        except ValidationError:
            raise click.ClickException(f"{self.path} is damaged: repair it, or remove it and log in again") from None

    @contextmanager
    def changing(self) -> Iterator[SavedAccounts]:
        """Lock the file, and write what the block changed in its content. Raises ClickException."""
        if self.path is None:
            raise click.ClickException(
                "there is no directory to keep a token in: set HOME or XDG_CONFIG_HOME, or use MICROBLOG_TOKEN"
            )
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                saved = self.read()
                yield saved
                _replace(self.path, saved)
        except OSError as exc:
            raise click.ClickException(f"{self.path} cannot be written: {exc.strerror}") from None

    def _warn_if_shared(self, mode: int) -> None:
        if mode & _OTHERS_BITS:
            click.echo(f"Warning: others can read {self.path}: chmod 600 it", err=True)


def _replace(path: Path, saved: SavedAccounts) -> None:
    handle, name = mkstemp(dir=path.parent)  # with mode 0600, whatever the umask is
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(saved.model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def default_path() -> Path | None:
    """Return the path of the file: below ``$XDG_CONFIG_HOME`` if that is absolute, else below ``~/.config``.

    None if the user has no home: neither ``$HOME`` nor an entry in the system's list of users.
    """
    base = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        folder = Path(base) if Path(base).is_absolute() else Path.home() / ".config"
    except RuntimeError:
        return None
    return folder / "microblog" / "credentials.json"
