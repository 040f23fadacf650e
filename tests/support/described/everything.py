"""Calls everything that a server describes in its /openapi.json, and says what came that was not described."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[2]


async def call_everything(url: str, folder: Path, token: str | None = None, examples: int = 10) -> tuple[int, str]:
    """Return the exit status (0: all is as described) and what is to be said of it; ``folder`` takes what it writes.

    Each operation is called with so many examples of each kind of data.
    """
    options = ["--max-examples", str(examples), *(["--header", f"Authorization: Bearer {token}"] if token else [])]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", _HERE / "schemathesis.toml", "--no-color"),
        *("run", f"{url}/openapi.json", "--report", "ndjson", "--report-dir", "report", *options),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        stdout=PIPE,
        stderr=STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
