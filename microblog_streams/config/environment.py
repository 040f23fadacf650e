"""Keeps the environment variables of libraries out: only ``MICROBLOG_*`` configures a worker or a command.

Many libraries read variables of their own, whatever their callers pass: libpq a time zone or a password,
prometheus_client a folder. These are removed from this process before the libraries read them. Faust reads some while
it is imported, before our code runs: if one of those would change how a worker works, the start is refused.
OpenTelemetry's stay, which is imported only where ``MICROBLOG_TRACES`` turns traces on. docs/operating.md lists all
that stay in use. ``bootstrap.faust_app`` ignores those of Faust's settings.
"""

import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from microblog_streams.domain.errors import SetupError

#: Prefixes of the variables that libpq, prometheus_client, libuv and libev read.
PREFIXES: Final = ("PG", "PROMETHEUS_", "UV_", "LIBEV_")
#: prometheus_client's older spelling; Faust's switch to Django; a file to which Python's ssl writes the keys of every
#: connection; a folder that pytz takes time zones from.
NAMES: Final = ("prometheus_multiproc_dir", "DJANGO_SETTINGS_MODULE", "SSLKEYLOGFILE", "PYTZ_TZDATADIR")

#: Variables that Faust reads while it is imported, behind each of its two prefixes.
_FAUST_PREFIXES: Final = ("FAUST_", "F_")
_FAUST_NAMES: Final = ("DEBUG", "WORKDIR", "STRICT", "LOOP")
#: Values of ``LOOP`` that change nothing: a worker runs on uvloop.
_LOOPS: Final = ("aio", "uvloop")
#: Ends of the variables that replace compiled code by slower, untested Python code.
_WITHOUT_COMPILED: Final = ("_NO_EXTENSIONS", "NO_CYTHON", "WRAPT_DISABLE_EXTENSIONS")

#: Our other packages, whose names other software may use too.
PACKAGES: Final = ("agents", "tables", "web")


def remove_foreign_variables(
    environment: MutableMapping[str, str] = os.environ, arguments: Sequence[str] = sys.argv
) -> None:
    """Remove the variables of libraries from ``environment``; ``arguments`` is the command line.

    Raises SetupError for one that was read already and changes how a worker works.
    """
    for name in [name for name in environment if name.startswith(PREFIXES) or name in NAMES]:
        del environment[name]
    for name in _already_read(environment, arguments):
        raise SetupError(
            f"{name} is set, which changes a library that was imported already: unset it. Only MICROBLOG_* variables "
            "configure a worker (docs/settings.md)"
        )


def check_packages() -> None:
    """Raise SetupError if Python finds a foreign package (on PYTHONPATH, in the folder) by the name of one of ours."""
    ours = Path(__file__).parents[2]
    for name in PACKAGES:
        spec = find_spec(name)
        found = Path(spec.origin).parents[1] if spec and spec.origin else None
        if found != ours:
            where = f"was found in {found}" if found else "is missing"
            raise SetupError(
                f"the Python package {name} {where}, and this system's belongs in {ours}: check PYTHONPATH, the "
                "installed packages and the working folder"
            )


def _already_read(environment: Mapping[str, str], arguments: Sequence[str]) -> Iterator[str]:
    # Faust itself sets WORKDIR for its option --workdir.
    is_option_given = any(argument.startswith(("-W", "--workdir")) for argument in arguments)
    for prefix in _FAUST_PREFIXES:
        for name in _FAUST_NAMES:
            value = environment.get(prefix + name)
            is_harmless = not value or (name == "LOOP" and value in _LOOPS) or (name == "WORKDIR" and is_option_given)
            if not is_harmless:
                yield prefix + name
    yield from (name for name in environment if name.endswith(_WITHOUT_COMPILED) and environment[name])
