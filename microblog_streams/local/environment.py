"""The environment variables of what the stack starts: made for it, never the user's as they are.

What is not listed here does not get through. A Turkish locale ends Kafka, ``_JAVA_OPTIONS`` ends both JVMs, and
``LD_PRELOAD``, ``CLASSPATH``, ``PGDATA`` or ``KAFKA_OPTS`` change what a server does.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from microblog_streams.config.settings import PREFIX

#: English messages, the byte order of strings, and UTF-8 for the names of files.
_LOCALE = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}
#: What a server may know of the user's: where programs are, and which time the lines of its log are in.
_SERVERS = ("PATH", "TZ")
#: A worker is the Python program that runs already: it needs what that was started with.
_WORKERS = (*_SERVERS, "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF")


def server_environment(home: Path, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of a server whose files are below ``home``."""
    return {"PATH": os.defpath, **_kept(given, _SERVERS), **_LOCALE, "HOME": str(home)}


def worker_environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of a worker or command: the settings, and what Python itself needs."""
    settings = {name: value for name, value in given.items() if name.startswith(PREFIX)}
    return {"PATH": os.defpath, **_kept(given, _WORKERS), **settings, **_LOCALE}


def _kept(given: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: given[name] for name in names if name in given}
