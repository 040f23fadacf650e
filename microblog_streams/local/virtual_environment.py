"""Make and fill the virtual environment: ``python -I virtual_environment.py FOLDER EXTRAS``, as the Makefile does.

Runs before anything is installed, so with the standard library alone. A file in the folder says that its filling has
begun: whatever cuts that short (a kill, a full disk), the next call finds it, and makes the folder anew. It does so,
too, where another Python made it (an upgrade at the same path), or in another place (a project that was moved).

``--check FOLDER``, run by the folder's own Python, says ``usable`` where none of that is so.
"""

import ast
import errno
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

#: There while it is being made or filled, and afterwards where that did not come to its end.
BEGUN = ".installing"
#: What of pip's configuration gets through: the way to packages. ``user``, ``target`` and the like lead them elsewhere.
PIP_OPTIONS = (
    *("index-url", "extra-index-url", "find-links", "no-index", "proxy", "cert", "client-cert", "trusted-host"),
    *("timeout", "default-timeout", "retries", "cache-dir", "no-cache-dir", "keyring-provider"),
)
#: Sections of pip's configuration, the later ones over the earlier ones.
_SECTIONS = ("global.", "install.", ":env:.")


def main(arguments: list[str]) -> None:
    """Do what the command line says; every failure is a line, and exit status 1."""
    match arguments:
        case ["--check", folder]:
            print("usable" if is_usable(Path(folder)) else "")
        case [folder, extras]:
            os.umask(0o022)  # PostgreSQL's user must be able to read it where root installs
            with _alone():
                _make_and_fill(Path(folder), extras)
        case _:
            sys.exit(__doc__)


def is_usable(folder: Path) -> bool:
    """Return whether this very Python is the folder's, complete, and was so when the folder was made."""
    try:
        lines = (folder / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    made = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
    command = made.get("command", "")  # its end is the folder, as it was called then
    here = not command or command.endswith((f" {os.path.realpath(folder)}", f" {folder.absolute()}"))
    same_python = made.get("version", "").split(".")[:2] == [str(part) for part in sys.version_info[:2]]
    return here and same_python and not (folder / BEGUN).exists() and find_spec("pip") is not None


def pip_settings(listed: Iterable[str]) -> dict[str, str]:
    """Return the variables that tell pip what ``pip config list`` printed, as far as that may get through."""
    told: dict[str, str] = {}
    lines = list(listed)
    for section in _SECTIONS:
        for line in lines:
            name, _, value = line.partition("=")
            option = name.removeprefix(section)
            if name.startswith(section) and option in PIP_OPTIONS:
                told["PIP_" + option.upper().replace("-", "_")] = str(ast.literal_eval(value))
    return told


def plain(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what changes how Python runs or where pip installs."""
    return {name: value for name, value in environment.items() if not name.startswith(("PYTHON", "PIP_", "__PYVENV"))}


def _make_and_fill(folder: Path, extras: str) -> None:
    try:
        if not _says_usable(folder):
            _make(folder)
        _fill(folder, extras)
    except OSError as exc:
        _fail(f"cannot make {folder}: {exc}")


def _says_usable(folder: Path) -> bool:
    python = folder / "bin" / "python"
    if not python.exists():
        return False
    _, said = _run([str(python), "-I", __file__, "--check", str(folder)], plain(os.environ))
    return said.strip() == "usable"


def _make(folder: Path) -> None:
    aside = folder.with_name(folder.name + ".old")
    _remove(aside)
    if folder.exists() or folder.is_symlink():
        print(f"Making {folder} anew: it was not finished, or is another Python's or another folder's")
        _put_aside(folder, aside)
    folder.mkdir(exist_ok=True)
    (folder / BEGUN).touch()
    command = [sys.executable, "-I", "-m", "venv", os.path.realpath(folder)]
    if _run(command, plain(os.environ))[0]:
        _fail(f"{sys.executable} -m venv cannot make {folder}: see above")
    _remove(aside)


def _put_aside(folder: Path, aside: Path) -> None:
    """Move the folder away; empty it where it cannot be moved: a mount point, or of a lower layer of an overlay."""
    try:
        folder.rename(aside)
    except OSError as exc:
        if exc.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        (folder / BEGUN).touch()
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != BEGUN:
                path.unlink()


def _fill(folder: Path, extras: str) -> None:
    pip = [str(folder / "bin" / "python"), "-I", "-m", "pip"]
    failed, listed = _run([*pip, "config", "list"], os.environ)
    if failed:
        _fail("pip cannot read its configuration: see above, and pip config debug")
    environment = {**plain(os.environ), **pip_settings(listed.splitlines()), "PIP_CONFIG_FILE": os.devnull}
    install = ["install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt", "-e", f".[{extras}]"]
    (folder / BEGUN).touch()
    before = _installed(folder)
    failed, _ = _run([*pip, *install], environment)
    if not failed or _installed(folder) == before:
        (folder / BEGUN).unlink()
    if failed:
        _fail(f"pip cannot install into {folder}: see above")


def _installed(folder: Path) -> dict[Path, int]:
    """Return what is installed, each with the time (ns) of its last change."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("lib/python*/site-packages/*")}


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Return exit status and output; what is said on standard error is shown."""
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=environment, stdout=subprocess.PIPE, encoding="utf-8", errors="replace", check=False
    )
    return done.returncode, done.stdout


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other make installs here: half of an installation would be taken for one that was cut short."""
    project = os.open(".", os.O_RDONLY)
    try:
        fcntl.flock(project, fcntl.LOCK_EX)
        yield
    finally:
        os.close(project)


def _fail(reason: str) -> NoReturn:
    print(reason, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
