"""OpenSearch as one node on loopback, kept small: the search index, which can be made again from the posts.

Its HTTP server is a module of OpenSearch, which wants a folder of its own with a descriptor. Analysis is done by the
application (``search/analysis.py``), so no other module is needed.
"""

import shutil
import signal
from collections.abc import Mapping, Sequence

from microblog_streams.local import java
from microblog_streams.local.class_archive import ClassArchive
from microblog_streams.local.files import render, utf8, write_atomic, yaml_string
from microblog_streams.local.jars import jar_set, version
from microblog_streams.local.process import Children
from microblog_streams.local.server import LocalServer, ServerPaths

HEAP_MB = 512
#: Jars of the HTTP module; all others are on the class path, and OpenSearch refuses one that is in both places.
_MODULE_JARS = ("netty-", "transport-netty4-")
#: What tells a ready node from one that starts: an answer with status 200.
_REQUEST = b"GET /_cluster/health?local=true&wait_for_status=yellow&timeout=0s HTTP/1.0\r\n\r\n"
_OK = b"HTTP/1.0 200"


class OpenSearch(LocalServer):
    """The engine behind the search."""

    name = "opensearch"
    port_names = ("opensearch", "opensearch-transport")
    # After SIGTERM it hangs in its shutdown hook, which lacks a permission outside of its own distribution. It has
    # synced whatever it acknowledged, so this is as good.
    stop_signal = signal.SIGKILL

    def __init__(self, place: ServerPaths) -> None:
        """Find the recorded jars."""
        super().__init__(place)
        self.jars = jar_set("opensearch", place.cache_dir)
        self.archive = ClassArchive(self.jars, java.java)
        self._tmp = self.home / "tmp"  # until it is prepared

    def prepare(self, children: Children) -> None:
        """Write the configuration, and lay out the HTTP module."""
        self._tmp = java.scratch(self.home, self.place.cache_dir)
        for folder in ("config", "lib", "plugins", "logs"):
            (self.home / folder).mkdir(exist_ok=True)
        text = render(
            "opensearch.yml",
            port=self.port,
            transport_port=self.place.ports["opensearch-transport"],
            data=yaml_string(utf8(self.home / "data")),
            logs=yaml_string(utf8(self.home / "logs")),
        )
        write_atomic(self.home / "config" / "opensearch.yml", text)
        write_atomic(self.home / "config" / "log4j2.properties", render("opensearch-log4j2.properties"))
        self._lay_out_module()

    def _lay_out_module(self) -> None:
        assert self.jars
        module = self.home / "modules" / "transport-netty4"
        shutil.rmtree(module, ignore_errors=True)
        module.mkdir(parents=True)
        for jar in self.jars.jars:
            if jar.file_name.startswith(_MODULE_JARS):
                # A copy: OpenSearch does not follow symbolic links out of its folder.
                shutil.copyfile(self.jars.folder / jar.file_name, module / jar.file_name)
        descriptor = render("opensearch-netty4.properties", version=version("opensearch"))
        write_atomic(module / "plugin-descriptor.properties", descriptor)
        write_atomic(module / "plugin-security.policy", render("opensearch-netty4.policy"))

    def command(self) -> Sequence[str]:
        """Return the node's command line."""
        return [
            str(java.java()),
            *java.flags(HEAP_MB, self._tmp, self.place.tuning, self.archive),
            "-Djava.security.manager=allow",
            *self._without_native(),
            f"-Dopensearch.path.home={self.home}",
            f"-Dopensearch.path.conf={self.home / 'config'}",
            "-Dopensearch.distribution.type=tar",
            "-Dlog4j2.disable.jmx=true",
            "org.opensearch.bootstrap.OpenSearch",
        ]

    def _without_native(self) -> Sequence[str]:
        """Return what hides JNA's native library, which is looked for in an empty folder alone.

        With the library, OpenSearch refuses to run as root. Nothing here uses it.
        """
        switches = [f"-Djna.{name}=true" for name in ("nosys", "noclasspath", "nounpack")]
        return [*switches, f"-Djna.boot.library.path={self._tmp}"]

    def environment(self) -> dict[str, str]:
        """Return the environment with the class path, which keeps the command line readable."""
        assert self.jars
        on_path = [jar.file_name for jar in self.jars.jars if not jar.file_name.startswith(_MODULE_JARS)]
        class_path = ":".join(str(self.jars.folder / name) for name in on_path)
        return {**super().environment(), "CLASSPATH": class_path}

    def answers(self) -> bool:
        """Return whether the node serves requests."""
        return self.ask(_REQUEST, at_least=len(_OK)).startswith(_OK)

    def urls(self) -> Mapping[str, str]:
        """Return the engine's URL."""
        return {"MICROBLOG_SEARCH_URL": f"http://127.0.0.1:{self.port}"}
