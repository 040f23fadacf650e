"""Work in a process of its own: what is measured shares no event loop, and no interpreter, with what measures it."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from microblog_streams.config.settings import PREFIX

#: Seconds above its own that such a process may take.
_MORE: Final = 60.0


async def aside(module: str, *arguments: object, data: Path, seconds: float) -> dict[str, Any]:
    """Run ``python -m module arguments`` with the settings of a data folder; return the JSON object that it prints.

    Raises CalledProcessError where it fails, TimeoutExpired a minute after ``seconds``.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    environment = {**os.environ, f"{PREFIX}DATA_DIR": str(data)}
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=seconds + _MORE,
        text=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
