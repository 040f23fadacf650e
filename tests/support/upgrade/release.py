"""A copy of the product as its next minor release might be, to upgrade to and to roll back from.

It differs as releases do: a migration that its own statements need, fields that its events have in addition, and
another version of the Lua functions. Each change replaces a text of the source that is there exactly once.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.live.forked import ROOT
from tests.support.waiting import DEADLINE_SECONDS

VERSION = "999.0.0"
MIGRATION = "999_locale.sql"
PACKAGES = ("microblog_streams", "agents", "tables", "web")
#: The field that the next release adds to posts and follows.
FIELD = "client"

_SQL = """
ALTER TABLE users ADD COLUMN locale text;
ALTER TABLE follows ADD COLUMN reason text NOT NULL DEFAULT '';
CREATE INDEX follows_by_reason ON follows (reason) WHERE reason <> '';
"""
_METADATA = f"Metadata-Version: 2.1\nName: microblog-streams\nVersion: {VERSION}\n"
#: Files of the package, what is replaced in them, and by what.
_CHANGES = (
    ("domain/events.py", "    created_at: datetime\n\n", f'    created_at: datetime\n    {FIELD}: str = "api"\n\n'),
    ("domain/events.py", "    restate: bool = False\n", f'    restate: bool = False\n    {FIELD}: str = "api"\n'),
    (
        "stores/postgres/users.py",
        "INSERT INTO users (username, name_key, look) VALUES (%s, %s, %s)",
        "INSERT INTO users (username, name_key, look, locale) VALUES (%s, %s, %s, 'und')",
    ),
    ("stores/redis/timelines.lua", "local NEAR = 8\n", "local NEAR = 16\n"),
)


def next_release(folder: Path) -> Path:
    """Make the next release in ``folder``; return the directory in which its programs are started."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name)
    package = folder / "microblog_streams"
    for file, old, new in _CHANGES:
        text = (package / file).read_text()
        assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
        (package / file).write_text(text.replace(old, new))
    (package / "stores" / "postgres" / "schema" / MIGRATION).write_text(_SQL)
    metadata = folder / f"microblog_streams-{VERSION}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(_METADATA)
    return folder


def run(release: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of a release to its end."""
    command = [sys.executable, "-m", "faust", "-A", "microblog_streams", *arguments]
    return subprocess.run(
        command,
        cwd=release,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
