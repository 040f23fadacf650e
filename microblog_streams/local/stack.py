"""All parts as one: started side by side, known by one file of URLs, stopped side by side.

    with Stack(Path(".data")) as stack:      # ready when the block begins
        stack.kill("valkey")                 # as a power failure would
        stack.restart("valkey")              # on the same port, with what it had written

Methods block (call them in a thread from asyncio) and may be called from any thread.
"""

import time
import unicodedata
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from rich.console import Console

from microblog_streams.config.settings import STACK_ENV, Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.local import ports
from microblog_streams.local.cassandra import Cassandra
from microblog_streams.local.class_archive import ArchiveMaker
from microblog_streams.local.files import keep_secret, utf8, write_atomic
from microblog_streams.local.folder_lock import FolderLock
from microblog_streams.local.jars import Interrupted, fill_cache
from microblog_streams.local.kafka import Kafka
from microblog_streams.local.options import LocalSettings
from microblog_streams.local.postgres import Postgres
from microblog_streams.local.process import Children
from microblog_streams.local.server import Deadline, LocalServer, ServerPaths
from microblog_streams.local.valkey import Valkey

PARTS: Sequence[type[LocalServer]] = (Kafka, Cassandra, Postgres, Valkey)
#: Seconds until a part is given up that does not answer, and logs nothing either. A start takes 5 on an idle machine.
DEADLINE = 60.0
#: Seconds until it is given up though its log goes on.
LONGEST_START = 900.0
ADMIN_TOKEN = "admin.token"  # noqa: S105 - the file's name


class RestartLimit:
    """Counts the restarts of each part within the last minute: one that keeps ending does not come right by itself."""

    def __init__(self, count: int = 5, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow ``count`` restarts of a part within ``seconds``."""
        self._count, self._seconds, self._clock = count, seconds, clock
        self._restarts: dict[str, deque[float]] = defaultdict(deque)

    def allows(self, name: str) -> bool:
        """Count a restart of the part, and return whether it may take place."""
        now, restarts = self._clock(), self._restarts[name]
        while restarts and now - restarts[0] > self._seconds:
            restarts.popleft()
        restarts.append(now)
        return len(restarts) <= self._count

    def __str__(self) -> str:
        """Return the limit for a message."""
        return f"more than {self._count} times in {self._seconds:.0f} s"


class Stack:
    """The real infrastructure below one data folder."""

    def __init__(
        self,
        data_dir: Path,
        options: LocalSettings | None = None,
        parts: Sequence[type[LocalServer]] = PARTS,
        console: Console | None = None,
        late: Sequence[type[LocalServer]] = (),
    ) -> None:
        """Set up a stack that does not run yet. ``console`` shows the fetching of jars.

        ``late`` are parts that nothing waits for: they have their ports and URLs from the start, and are brought up by
        ``start_late``.
        """
        self.data_dir = data_dir.absolute()
        self.environment: dict[str, str] = {}
        self.parts: dict[str, LocalServer] = {}
        self.late: dict[str, LocalServer] = {}
        self.children: Children | None = None
        self._archive_maker: ArchiveMaker | None = None
        self._options = options or LocalSettings()
        self._kinds = parts
        self.late_kinds = late
        self._console = console or Console(stderr=True)
        self._lock: FolderLock | None = None
        self._giving_up = Event()
        self._restart_limit = RestartLimit()

    @property
    def settings(self) -> Settings:
        """The settings of a worker on this stack, whatever the environment says of the stores."""
        given = {name.removeprefix("MICROBLOG_").lower(): value for name, value in self.environment.items()}
        return Settings.model_validate({**given, "data_dir": self.data_dir})

    def start(self, on_ready: Callable[[str, float], None] | None = None) -> None:
        """Start all parts and wait until they answer; ``on_ready`` is told each part and its seconds.

        Raises SetupError where one cannot start, with the end of its log, and Interrupted after ``interrupt``;
        nothing is left running then.
        """
        self._lock = FolderLock(self.data_dir)
        if self._lock.ended:
            self._say(f"ended {self._lock.ended} processes that an earlier stack had left on {self.data_dir}")
        try:
            self._place_parts()
            fill_cache([part.jars for part in self._all() if part.jars], self._console, self._giving_up)
            self.children = Children(self.data_dir, keep_open=[self._lock.fd])
            self._archive_maker = ArchiveMaker(self.children)
            self._side_by_side(lambda part: self._bring_up(part, on_ready), self.parts.values())
            if self._giving_up.is_set():
                raise Interrupted
            self._write_environment()
            self._share_classes(self.parts.values())
        except BaseException:
            self._give_up()
            raise

    def stop(self) -> None:
        """Stop all parts in good order, side by side."""
        try:
            self._side_by_side(LocalServer.stop, self._all())
        finally:
            self._close()

    def start_late(self, name: str, notice: Callable[[str], None]) -> None:
        """Start a late part, and wait until it answers; ``notice`` is told when, or why it does not."""
        try:
            self._bring_up(self.late[name], lambda part, seconds: notice(f"{part:<10} {seconds:4.1f} s"))
            self._share_classes([self.late[name]])
        except SetupError as exc:
            notice(f"{name} cannot start, everything else goes on: {exc}")

    def kill(self, name: str) -> None:
        """End a part as a power failure would (SIGKILL), and wait until it is gone."""
        self.parts[name].kill()

    def pause(self, name: str) -> None:
        """Freeze a part (SIGSTOP): its connections stay and nothing is answered."""
        self.parts[name].pause()

    def resume(self, name: str) -> None:
        """Let a paused part go on."""
        self.parts[name].resume()

    def restart(self, name: str) -> None:
        """Start a part again, on its port and data, and wait until it answers; stops it first where it runs."""
        self.parts[name].stop()
        self._bring_up(self.parts[name], None)

    def revive(self, notice: Callable[[str], None]) -> None:
        """Start the parts again that have ended by themselves, on their ports and data, and wait until they answer.

        ``notice`` is told what ended and what is back. Raises SetupError for a part that keeps ending, with the end of
        its log (``RestartLimit``).
        """
        ended = [part for part in self.parts.values() if part.child and part.child.exit_status() is not None]
        for part in ended:
            if not self._restart_limit.allows(part.name):
                raise SetupError(f"{part.name} ended {self._restart_limit}. {part.last_words()}")
            status = part.child.exit_status() if part.child else None
            notice(f"{part.name} ended with status {status}; starting it again ({part.log_file})")
        if ended:
            self._side_by_side(lambda part: self._revive_one(part, notice), ended)

    def interrupt(self) -> None:
        """Make a ``start`` that is under way give up, with Interrupted. For signal handlers and other threads."""
        self._giving_up.set()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    def _say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True, markup=False, highlight=False)

    def _place_parts(self) -> None:
        check_names(self.data_dir, self._options.cache_dir)
        names = [name for kind in (*self._kinds, *self.late_kinds) for name in kind.port_names]
        (self.data_dir / "logs").mkdir(exist_ok=True)
        chosen = ports.keep(self.data_dir / "ports.json", names, self._options.ports)
        place = ServerPaths(self.data_dir, self._options.cache_dir.absolute(), chosen, self._options.local_tuning)
        self.parts = {kind.name: kind(place) for kind in self._kinds}
        self.late = {kind.name: kind(place) for kind in self.late_kinds}

    def _all(self) -> list[LocalServer]:
        return [*self.parts.values(), *self.late.values()]

    def _bring_up(self, part: LocalServer, on_ready: Callable[[str, float], None] | None) -> None:
        assert self.children
        deadline = Deadline(part.log_file, DEADLINE, LONGEST_START)
        part.prepare(self.children)
        if self._giving_up.is_set():
            return
        part.start(self.children)
        while not part.ready():
            if deadline.passed():
                raise SetupError(f"{part.name} did not answer within {deadline.seconds:.0f} s. {part.last_words()}")
            if self._giving_up.wait(0.05):
                return
        if on_ready:
            on_ready(part.name, deadline.seconds)

    def _revive_one(self, part: LocalServer, notice: Callable[[str], None]) -> None:
        try:
            self._bring_up(part, lambda name, seconds: notice(f"{name} is back after {seconds:.1f} s"))
        except SetupError:
            # One that ended again is seen at the next look. One that is silent is ended, and then seen.
            part.kill()

    def _side_by_side(self, action: Callable[[LocalServer], object], parts: Iterable[LocalServer]) -> None:
        with ThreadPoolExecutor(len(self._kinds) + len(self.late_kinds)) as pool:
            running = [pool.submit(action, part) for part in parts]
            try:
                done, _ = wait(running, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            except BaseException:
                self._giving_up.set()
                raise

    def _write_environment(self) -> None:
        self.environment = {
            **{name: value for part in self._all() for name, value in part.urls().items()},
            "MICROBLOG_ADMIN_TOKEN": keep_secret(self.data_dir / ADMIN_TOKEN),
        }
        write_atomic(self.data_dir / STACK_ENV, env_file(self.environment))

    def _give_up(self) -> None:
        self._giving_up.set()
        for part in self._all():
            part.child and part.child.stop(part.orphan_signal, patience=5.0)
        self._close()

    def _share_classes(self, parts: Iterable[LocalServer]) -> None:
        """Have the next starts of these be quicker."""
        if self._archive_maker and (wanted := [each for part in parts if (each := part.wanted_archive())]):
            self._archive_maker.start(wanted)

    def _close(self) -> None:
        if self._archive_maker:
            self._archive_maker.end()
            self._archive_maker = None
        if self.children:
            self.children.close()
        if self._lock:
            self._lock.release()
            self._lock = None


def check_names(data_dir: Path, cache_dir: Path) -> None:
    """Raise SetupError for folders that no quoting gets through to the servers."""
    for path, variable in ((data_dir, "MICROBLOG_DATA_DIR"), (cache_dir, "MICROBLOG_CACHE_DIR")):
        try:
            printable = not any(unicodedata.category(char) == "Cc" for char in utf8(path))
        except UnicodeDecodeError:
            printable = False
        if not printable:
            raise SetupError(f"the name of {path!s:.200} is not text in UTF-8, or has a line break: set {variable}")
    if ":" in str(cache_dir):
        raise SetupError(f"{cache_dir} has a colon, which ends a name in Java's class path: set MICROBLOG_CACHE_DIR")


def env_file(environment: Mapping[str, str]) -> str:
    """Return the text of stack.env: one ``NAME=value`` a line. Raises ValueError for what would need quotes."""
    for name, value in environment.items():
        if any(char.isspace() or char in "'\"#$\\" for char in value):
            raise ValueError(f"{name} has a character that would need quotes")
    return "".join(f"{name}={value}\n" for name, value in environment.items())
