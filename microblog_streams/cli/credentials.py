"""Who is signed in where: ``$XDG_CONFIG_HOME/microblog/credentials.json``, for its owner's eyes only.

Tokens are as good as passwords, so the file is made with mode 0600, and replaced as a whole: a crash leaves the old one
or the new one. Two commands at once wait for each other, or one of two new tokens would be lost.
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

#: As many digits as an id can have.
_ID: Final = re.compile("[0-9]{1,19}", re.ASCII)
_SHARED = stat.S_IRWXG | stat.S_IRWXO


class Account(BaseModel):
    """Somebody who is signed in."""

    model_config = ConfigDict(frozen=True)

    username: str
    user: int
    token: str | None = Field(default=None, repr=False, pattern=r"\A[!-~]+\z")
    token_id: int | None = None

    @property
    def identity(self) -> Identity:
        """As whom its calls are made."""
        return Identity(self.user, self.token)

    def means(self, who: str) -> bool:
        """Tell whether ``who`` is this person's id, or their name as it is kept here: digits alone are an id.

        Which other spellings are the same name is the server's to say (``Session.who_acts``).
        """
        return who == str(self.user) if _ID.fullmatch(who) else who.removeprefix("@") == self.username


class Server(BaseModel):
    """Who is signed in at one server. The last one is who acts, unless another is named."""

    accounts: list[Account] = []

    def find(self, who: str | None) -> Account | None:
        """Return the account of a name or an id, or of who acts where none is given."""
        wanted = [one for one in self.accounts if who is None or one.means(who)]
        return wanted[-1] if wanted else None

    def forget(self, account: Account) -> None:
        """Take an account out."""
        self.accounts = [one for one in self.accounts if one.user != account.user]

    def keep(self, account: Account) -> None:
        """Add an account, in place of an older one of the same person: they are who acts from now on."""
        self.forget(account)
        self.accounts.append(account)


class Book(BaseModel):
    """All that the file holds, by URL."""

    servers: dict[str, Server] = {}

    def at(self, url: str) -> Server:
        """Return a server's part, an empty one where there is none yet."""
        return self.servers.setdefault(url, Server())


@dataclass(frozen=True, slots=True)
class Credentials:
    """The file; ``path`` is None where there is no place for one."""

    path: Path | None

    def read(self) -> Book:
        """Return what it holds; nothing where there is no file. Raises ClickException where it cannot be read."""
        if self.path is None:
            return Book()
        try:
            with self.path.open("rb") as file:
                self._warn(os.fstat(file.fileno()).st_mode)
                return Book.model_validate_json(file.read().removeprefix(codecs.BOM_UTF8))
        except FileNotFoundError:
            return Book()
        except OSError as exc:
            raise click.ClickException(f"{self.path} cannot be read: {exc.strerror}") from None
        except ValidationError:
            raise click.ClickException(f"{self.path} is damaged: mend it, or remove it and sign in again") from None

    @contextmanager
    def changing(self) -> Iterator[Book]:
        """Read the file, and write what became of it; others wait. Raises ClickException."""
        if self.path is None:
            raise click.ClickException(
                "there is no place to keep a token: set HOME or XDG_CONFIG_HOME to a folder, or give MICROBLOG_TOKEN"
            )
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                book = self.read()
                yield book
                _replace(self.path, book)
        except OSError as exc:
            raise click.ClickException(f"{self.path} cannot be written: {exc.strerror}") from None

    def _warn(self, mode: int) -> None:
        if mode & _SHARED:
            click.echo(f"Warning: others can read {self.path}: chmod 600 it", err=True)


def _replace(path: Path, book: Book) -> None:
    handle, name = mkstemp(dir=path.parent)  # with mode 0600, whatever the umask says
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(book.model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def default_path() -> Path | None:
    """Return where the file is: below ``$XDG_CONFIG_HOME``, or ``~/.config`` where that is not set.

    None for somebody without a home: neither ``$HOME`` nor an entry in the system's list of users.
    """
    base = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        folder = Path(base) if Path(base).is_absolute() else Path.home() / ".config"
    except RuntimeError:
        return None
    return folder / "microblog" / "credentials.json"
