"""Archives of classes: what a JVM maps at its start, in place of loading and checking the same classes every time.

The JDK calls this application class data sharing (JEP 310). As long as a part has no archive, its JVM writes down which
classes it loads. Once the part answers, another JVM makes the archive from that, beside the jars and at the lowest
priority. A JVM does without an archive of another Java or of other jars, so none can keep a part from starting.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

from microblog_streams.local.jars import JarSet
from microblog_streams.local.process import Child, Children

#: The classes that a part's JVM has loaded, a line each, in its folder.
CLASSES = "classes.lst"
#: Those of its lines that a JVM can read: the last may not be written to its end, and some are too long.
_READABLE = "classes-readable.lst"
#: Bytes; a JVM that makes an archive ends at a line of more than 4,096.
_LONGEST_LINE = 4_000
_LOWEST_PRIORITY = ("nice", "-n", "19")
_MAKE = ("-Xmx512m", "-XX:+UseSerialGC", "-Xshare:dump", "-Xlog:disable", "-Xlog:all=error")
#: Held by the one who makes archives, of all stacks that share a cache: each takes a core for some ten seconds.
_LOCK = "archives.lock"


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """The archive of one part's classes, for one Java and for the jars as they are: a JVM uses it for no others."""

    jars: JarSet
    java: Callable[[], Path]

    @property
    def path(self) -> Path:
        """The archive's file, or where it will be."""
        folder = self.jars.folder
        times = [_written_at(folder / jar.file_name) for jar in self.jars.jars]
        made_for = repr((self._build(), os.fsencode(folder), times))
        return folder / f"classes-{hashlib.sha256(made_for.encode()).hexdigest()[:16]}.jsa"

    def _build(self) -> bytes:
        java = self.java()
        try:
            return (java.parent.parent / "release").read_bytes()
        except OSError:
            return os.fsencode(java)

    def flags(self) -> list[str]:
        """Return what has a JVM use the archive, or write down its classes in its working folder."""
        path = self.path
        return [f"-XX:SharedArchiveFile={path}"] if path.exists() else [f"-XX:DumpLoadedClassList={CLASSES}"]

    def remove_all(self) -> None:
        """Remove all that were made here, also those for another Java or for earlier jars."""
        for old in self.jars.folder.glob("classes-*.jsa"):
            old.unlink(missing_ok=True)

    def command(self, result: Path) -> list[str]:
        """Return the command that makes the archive, in the part's folder and with its class path."""
        java = [*_LOWEST_PRIORITY, str(self.java()), *_MAKE]
        return [*java, f"-XX:SharedClassListFile={_READABLE}", f"-XX:SharedArchiveFile={result}"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An archive that is to be made: for which part, from the classes in which folder, in which environment."""

    archive: ClassArchive
    home: Path
    environment: Mapping[str, str]
    log: Path


@dataclass(slots=True)
class ArchiveMaker:
    """Makes archives one after the other, in a thread, until it is ended."""

    children: Children
    _ending: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)
    _child: Child | None = None
    _threads: list[Thread] = field(default_factory=list)

    def start(self, wanted: Sequence[Wanted]) -> None:
        """Begin with these; those that are there already, or are being made by another stack, are left out."""
        thread = Thread(target=self._make_all, args=(wanted,), daemon=True, name="archives of classes")
        self._threads.append(thread)
        thread.start()

    def end(self) -> None:
        """Make no more, and give up the one that is being made."""
        self._ending.set()
        with self._lock:
            if self._child:
                self._child.kill()
        for thread in self._threads:
            thread.join()

    def _make_all(self, wanted: Sequence[Wanted]) -> None:
        try:
            for each in wanted:
                with _alone(each.archive.jars.folder.parent) as is_alone:
                    if is_alone and not each.archive.path.exists():
                        self._make(each)
        except OSError:  # a cache that cannot be written, a full disk: later starts take longer, as this one did
            return

    def _make(self, wanted: Wanted) -> None:
        *whole, _ = (wanted.home / CLASSES).read_bytes().split(b"\n")
        (wanted.home / _READABLE).write_bytes(b"".join(line + b"\n" for line in whole if len(line) <= _LONGEST_LINE))
        path = wanted.archive.path
        aside = path.with_suffix(".new")
        aside.unlink(missing_ok=True)
        with self._lock:
            if self._ending.is_set():
                return
            command = wanted.archive.command(aside)
            child = self._child = self.children.start(command, wanted.log, wanted.environment, cwd=wanted.home)
        if child.wait() == 0:
            wanted.archive.remove_all()
            aside.replace(path)


def _written_at(jar: Path) -> int:
    """Return when a jar was written (ns); 0 where it is not there yet."""
    try:
        return jar.stat().st_mtime_ns
    except OSError:
        return 0


@contextmanager
def _alone(cache_dir: Path) -> Iterator[bool]:
    """Hold the lock of a cache within the block; gives whether no other process holds it."""
    with (cache_dir / _LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
