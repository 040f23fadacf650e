"""``python -m microblog_streams.local.record``: resolve the jars anew and write jars.json.

For whoever changes a version below, and nobody else: it asks the Maven repository what Kafka and Cassandra need,
fetches all of it, and records what came. Takes minutes.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from microblog_streams.local.jars import MANIFEST

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
