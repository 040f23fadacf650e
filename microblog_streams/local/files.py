"""Small files that are written whole or not at all, and secrets that only their owner can read.

Everything that the stack keeps between two starts (ports, passwords, the URLs) goes through here, so that a
kill -9 in the middle of a write leaves the old file.
"""

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from string import Template

TEMPLATES = Path(__file__).with_name("templates")


def write_atomic(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace ``path`` by ``text``; a reader sees the old or the new file. ``mode``: its permissions."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(handle, mode)
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def keep_secret(path: Path) -> str:
    """Return the secret kept in ``path`` (mode 0600); a new one of 192 random bits where there is none."""
    if path.exists():
        return path.read_text(encoding="utf-8").strip()
    secret = secrets.token_hex(24)
    write_atomic(path, secret + "\n")
    return secret


def lines(settings: Mapping[str, str], between: str) -> str:
    """Return settings as the lines of a configuration file, with ``between`` between a name and its value."""
    return "\n".join(f"{name}{between}{value}" for name, value in settings.items())


def yaml_string(text: str) -> str:
    """Return a text as a double-quoted YAML string, in ASCII."""
    plain = (char.isascii() and char.isprintable() and char not in '"\\' for char in text)
    return '"' + "".join(char if ok else f"\\U{ord(char):08x}" for char, ok in zip(text, plain, strict=True)) + '"'


def utf8(path: Path) -> str:
    """Return a path as text in UTF-8, whatever encoding the user's locale has. Raises UnicodeDecodeError."""
    return os.fsencode(path).decode("utf-8")


def render(template: str, **values: object) -> str:
    """Fill the named file of ``templates``. Raises KeyError for a value that it asks for and that is not given.

    Values are put in as they are. Paths belong into none of them, unless quoted as the format wants it: each server
    runs in its folder, so that ``data`` does for ``<folder>/data``.
    """
    return Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)
