"""A real stack: Kafka, Cassandra, PostgreSQL and Valkey below a folder of its own."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from microblog_streams.config.settings import NO_LIMITS, PREFIX, Settings
from microblog_streams.local.options import load_local_settings
from microblog_streams.local.server import LocalServer
from microblog_streams.local.stack import PARTS, Stack
from tests.support.waiting import PATIENT_SECONDS


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A stack that answers, and the settings that lead to it."""

    stack: Stack
    settings: Settings
    #: URLs over the stack's own, by their variables: those of a deployment beside others on the same servers.
    urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process (a worker, a command) that shall use this stack and nothing else.

        Everybody may do everything, as often as they like, and a busy store is waited for, unless a test says
        otherwise.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        unlimited = {f"{PREFIX}{name.upper()}": value for name, value in NO_LIMITS.items()}
        own = {f"{PREFIX}DATA_DIR": str(self.stack.data_dir), f"{PREFIX}AUTH": "open"}
        patient = {f"{PREFIX}STORE_TIMEOUT": f"{PATIENT_SECONDS:g}"}
        return {**kept, **unlimited, **patient, **self.stack.environment, **self.urls, **own}


@contextmanager
def running_stack(parts: Sequence[type[LocalServer]] = PARTS) -> Iterator[RunningStack]:
    """Start a stack whose stores are empty, for as long as the block lasts; of other parts than usual, if wanted."""
    folder = Path(tempfile.mkdtemp(prefix="microblog-test-"))
    try:
        with Stack(folder / "data", load_local_settings(), parts) as running:
            yield RunningStack(running, running.settings.model_copy(update={"store_timeout": PATIENT_SECONDS}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
