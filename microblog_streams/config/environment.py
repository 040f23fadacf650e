"""The environment variables of other libraries, closed: ``MICROBLOG_*`` alone configures a worker or a command.

Many libraries take settings from variables of their own, whatever their callers say: libpq a time zone or a password,
prometheus_client a folder for its numbers. Their variables are removed from this process before the libraries read
them. Some are read while Faust is imported, which comes first: those that would change how a worker works are refused.
What is meant to stay open stands in docs/operating.md. Faust's own settings are closed in ``configuration``.
"""

import os
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from microblog_streams.domain.errors import SetupError

#: How the names begin that libpq, prometheus_client, OpenTelemetry, libuv and libev read.
PREFIXES: Final = ("PG", "PROMETHEUS_", "OTEL_", "UV_", "LIBEV_")
#: prometheus_client's older spelling; Faust's switch to Django; a file to which Python's ssl writes the keys of every
#: connection; a folder that pytz takes time zones from.
NAMES: Final = ("prometheus_multiproc_dir", "DJANGO_SETTINGS_MODULE", "SSLKEYLOGFILE", "PYTZ_TZDATADIR")

#: What Faust reads as it is imported and goes by, behind each of its two prefixes.
_FAUST_PREFIXES: Final = ("FAUST_", "F_")
_FAUST_NAMES: Final = ("DEBUG", "WORKDIR", "STRICT", "LOOP")
#: Event loops that change nothing: a worker runs on uvloop.
_LOOPS: Final = ("aio", "uvloop")
#: How the names of variables end (or are) that put slower, untested Python code in the place of compiled parts.
_WITHOUT_COMPILED: Final = ("_NO_EXTENSIONS", "NO_CYTHON", "WRAPT_DISABLE_EXTENSIONS")

#: What stands beside this package, under names that others may have, too.
PACKAGES: Final = ("agents", "tables", "web")


def close(environment: MutableMapping[str, str] = os.environ, arguments: Sequence[str] = sys.argv) -> None:
    """Remove other libraries' variables; ``arguments`` is the command line.

    Raises SetupError for one that was read already, and changes how a worker works.
    """
    for name in [name for name in environment if name.startswith(PREFIXES) or name in NAMES]:
        del environment[name]
    for name in _too_late(environment, arguments):
        raise SetupError(
            f"{name} is set, which changes a library that was read in already: unset it. MICROBLOG_* variables alone "
            "configure a worker (docs/settings.md)"
        )


def check_packages() -> None:
    """Raise SetupError where another package is found by the name of one of ours, from PYTHONPATH or the folder."""
    ours = Path(__file__).parents[2]
    for name in PACKAGES:
        spec = find_spec(name)
        found = Path(spec.origin).parents[1] if spec and spec.origin else None
        if found != ours:
            where = f"is another one's, in {found}" if found else "is missing"
            raise SetupError(
                f"the Python package {name} {where}, and this system's belongs in {ours}: look at PYTHONPATH, at "
                "what is installed, and at the folder of the start"
            )


def _too_late(environment: Mapping[str, str], arguments: Sequence[str]) -> Iterator[str]:
    # Faust itself sets this one where it is asked for on the command line.
    asked = any(argument.startswith(("-W", "--workdir")) for argument in arguments)
    for prefix in _FAUST_PREFIXES:
        for name in _FAUST_NAMES:
            value = environment.get(prefix + name)
            harmless = not value or (name == "LOOP" and value in _LOOPS) or (name == "WORKDIR" and asked)
            if not harmless:
                yield prefix + name
    yield from (name for name in environment if name.endswith(_WITHOUT_COMPILED) and environment[name])
