"""The jars of Kafka and Cassandra: fetched once into the user's cache folder, each held to a recorded sha256.

jars.json lists every jar by its Maven coordinates, size and sha256. So nothing is resolved on the user's machine, and
what runs is what was tested. ``python -m microblog_streams.local.jars`` writes it anew after a version below was
changed: it resolves and fetches everything from the Maven repository, which takes minutes.
"""

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Event
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from microblog_streams.domain.errors import SetupError

MANIFEST = Path(__file__).with_name("jars.json")
#: Downloads at a time, a part; more does not help on one connection and annoys the server.
PARALLEL = 6
TRIES = 3

#: Called with the bytes that came in.
OnBytes = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar as it was recorded: Maven coordinates, size in bytes, sha256 in hex."""

    group: str
    artifact: str
    version: str
    classifier: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The file's name as Maven spells it."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{suffix}.jar"

    def is_whole(self, path: Path) -> bool:
        """Return whether ``path`` holds this very jar."""
        try:
            if path.stat().st_size != self.size:
                return False
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class JarSet:
    """The jars of one part and the folder of the cache where they belong."""

    name: str
    folder: Path
    jars: Sequence[Jar]

    def missing(self) -> list[Jar]:
        """Return the jars that are not there, or not as recorded (a cut or changed file)."""
        with ThreadPoolExecutor(PARALLEL) as pool:
            whole = pool.map(lambda jar: jar.is_whole(self.folder / jar.file_name), self.jars)
            return [jar for jar, ok in zip(self.jars, whole, strict=True) if not ok]

    @property
    def class_path(self) -> str:
        """The value of CLASSPATH."""
        return ":".join(str(self.folder / jar.file_name) for jar in self.jars)


def jar_set(name: str, cache_dir: Path) -> JarSet:
    """Return the recorded jars of a part (``kafka``, ``cassandra``) below ``cache_dir``."""
    entry = _manifest()[name]
    return JarSet(
        name,
        cache_dir / f"{name}-{entry['version']}",
        [_jar(coordinates, size, digest) for coordinates, (size, digest) in entry["jars"].items()],
    )


def version(name: str) -> str:
    """Return the recorded version of a part (``kafka``, ``cassandra``)."""
    return str(_manifest()[name]["version"])


def fetch(jars: JarSet, missing: Sequence[Jar], progress: OnBytes) -> None:
    """Bring the missing jars into the cache. Raises SetupError where one cannot be had as it was recorded."""
    with _scratch(jars) as scratch, ThreadPoolExecutor(PARALLEL) as pool:
        fetched = [pool.submit(_fetch_one, jars, jar, scratch, progress) for jar in missing]
        try:
            for future in fetched:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fetch_one(jars: JarSet, jar: Jar, scratch: Path, progress: OnBytes) -> None:
    reason = ""
    for attempt in range(TRIES):
        time.sleep(attempt)
        try:
            path = _download(jar, scratch / f"{jar.file_name}.{attempt}", progress)
        except (RuntimeError, OSError) as exc:  # what jgo raises; those of requests are OSErrors
            reason = _why(exc)
            continue
        if jar.is_whole(path):
            path.replace(jars.folder / jar.file_name)
            return
        reason = "it is not the file that was recorded (size or sha256 differs)"
    raise SetupError(
        f"cannot fetch {jar.file_name} for {jars.name}: {reason}. "
        f"It is needed once, in {jars.folder}: connect to the network, or set MICROBLOG_CACHE_DIR to a filled cache"
    )


def _download(jar: Jar, repository: Path, progress: OnBytes) -> Path:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def report(_name: str, _size: int) -> Iterator[OnBytes]:
        yield progress

    # A repository of its own for each try: jgo writes in place, and takes what is there without a look.
    # Mirrors in the user's own jgo configuration come first.
    remotes = {**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL}
    resolver = PythonResolver(progress_callback=report)
    context = MavenContext(resolver, repo_cache=repository, remote_repos=remotes, timeout=20)
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    return Path(component.artifact(jar.classifier, "jar").resolve())


@contextmanager
def _scratch(jars: JarSet) -> Iterator[Path]:
    try:
        jars.folder.mkdir(parents=True, exist_ok=True)
        path = Path(tempfile.mkdtemp(dir=jars.folder.parent, prefix=f".{jars.name}-"))
    except OSError as exc:
        raise SetupError(f"cannot write to the cache folder: {exc}. Set MICROBLOG_CACHE_DIR to another") from None
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _why(exc: BaseException) -> str:
    if isinstance(exc, OSError):
        return f"no answer from the Maven repository ({type(exc).__name__})"
    return str(exc).partition("\n")[0]


def _jar(coordinates: str, size: int, digest: str) -> Jar:
    group, artifact, version, *classifier = coordinates.split(":")
    return Jar(group, artifact, version, "".join(classifier), size, digest)


@cache
def _manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return manifest


class Interrupted(Exception):
    """The start was interrupted by a signal; not an error."""


def fill_cache(sets: Sequence[JarSet], console: Console, giving_up: Event) -> None:
    """Check every jar; fetch those that are absent or broken.

    Raises SetupError where one cannot be had, Interrupted once ``giving_up`` is set.
    """

    def advance(progress: Progress, task: TaskID, size: int) -> None:
        if giving_up.is_set():
            raise Interrupted
        progress.advance(task, size)

    with ThreadPoolExecutor(max(1, len(sets))) as pool:
        missing = list(zip(sets, pool.map(JarSet.missing, sets), strict=True))
        wanted = [(jars, lacking) for jars, lacking in missing if lacking]
        if not wanted:
            return
        console.print(
            f"Fetching {_size(wanted)} of jars into {wanted[0][0].folder.parent}, once for this machine.",
            soft_wrap=True,
        )
        columns = (TextColumn("{task.description:<10}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            fetched = []
            for jars, lacking in wanted:
                task = progress.add_task(jars.name, total=sum(jar.size for jar in lacking))
                fetched.append(pool.submit(fetch, jars, lacking, partial(advance, progress, task)))
            for future in fetched:
                future.result()


def _size(wanted: Sequence[tuple[JarSet, Sequence[Jar]]]) -> str:
    return f"{sum(jar.size for _, lacking in wanted for jar in lacking) / 1e6:.0f} MB"


#: What is resolved, call by call: log4j together with Kafka would be given another version.
ROOTS = {
    "kafka": ("org.apache.kafka:kafka_2.13:4.2.0", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.3"),
    "cassandra": ("org.apache.cassandra:cassandra-all:5.0.6",),
}


def main() -> None:
    """Write the manifest."""
    manifest = {}
    for name, roots in ROOTS.items():
        with tempfile.TemporaryDirectory() as scratch:
            jars = dict(sorted(entry for root in roots for entry in _resolve(root, Path(scratch))))
        manifest[name] = {"version": roots[0].rpartition(":")[2], "jars": jars}
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _resolve(root: str, scratch: Path) -> Iterator[tuple[str, tuple[int, str]]]:
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    repository = scratch / "repository"
    context = MavenContext(repo_cache=repository, timeout=60)
    environment = EnvironmentBuilder(context, scratch / root.replace(":", "-"), LinkStrategy.COPY).from_endpoint(root)
    needed = {jar.name for jar in Path(environment.path).rglob("*.jar")}
    for path in repository.rglob("*.jar"):
        if path.name in needed:
            content = path.read_bytes()
            yield _coordinates(path.relative_to(repository)), (len(content), hashlib.sha256(content).hexdigest())


def _coordinates(path: Path) -> str:
    """Return ``group:artifact:version[:classifier]`` of a jar by its path in a Maven repository."""
    *group, artifact, version, _ = path.parts
    classifier = path.stem.removeprefix(f"{artifact}-{version}").lstrip("-")
    return ":".join(part for part in (".".join(group), artifact, version, classifier) if part)


if __name__ == "__main__":
    main()
