"""Which port each part listens on: chosen once, kept with the data, chosen anew only when another process took it.

Ports are picked below the range from which systems take the ports of outgoing connections (32768 and up), so
that a part that is restarted finds its port still free.
"""

import json
import random
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.files import write_atomic

HOST = "127.0.0.1"
RANGE = range(20_000, 32_768)


def is_free(port: int) -> bool:
    """Return whether no process listens on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def choose(
    names: Sequence[str],
    wanted: Mapping[str, int],
    kept: Mapping[str, int],
    free: Callable[[int], bool] = is_free,
) -> dict[str, int]:
    """Return a port for each name: the ``wanted`` one, else the ``kept`` one where it is free, else a new one.

    Raises SetupError where a wanted port is taken.
    """
    ports: dict[str, int] = {}
    for name in names:
        if name in wanted:
            ports[name] = _checked(name, wanted[name], lambda port: port not in ports.values() and free(port))
    for name in names:
        if name in ports:
            continue
        if name in kept and kept[name] not in ports.values() and free(kept[name]):
            ports[name] = kept[name]
        else:
            ports[name] = _new({*ports.values(), *kept.values()}, free)
    return ports


def keep(file: Path, names: Sequence[str], wanted: Mapping[str, int]) -> dict[str, int]:
    """Choose the ports as ``choose`` does, with those of the last start kept in ``file``."""
    ports = choose(names, wanted, _read(file))
    write_atomic(file, json.dumps(ports, indent=1) + "\n")
    return ports


def _checked(name: str, port: int, free: Callable[[int], bool]) -> int:
    if not free(port):
        variable = f"MICROBLOG_{name.upper().replace('-', '_')}_PORT"
        raise SetupError(f"port {port} for {name} is taken: stop what listens there, or set {variable} to another")
    return port


def _new(avoid: set[int], free: Callable[[int], bool]) -> int:
    for port in random.sample(RANGE, len(RANGE)):
        if port not in avoid and free(port):
            return port
    raise SetupError(f"no port from {RANGE.start} to {RANGE.stop - 1} is free on {HOST}")


def _read(file: Path) -> dict[str, int]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return {str(name): int(port) for name, port in kept.items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}  # a first start, or a file that was edited by hand: new ports do
