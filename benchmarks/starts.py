"""How long ``make run`` takes from the command to "ready": the very program, watched by its output."""

import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

from microblog_streams.config.settings import PREFIX

#: Seconds after which a start is given up.
DEADLINE = 120.0
RUN = (sys.executable, "-m", "microblog_streams.local", "run")


def start_seconds(folder: Path, web_port: int, *options: str) -> float:
    """Start stack and one worker on a data folder, stop them, and return the seconds until they were ready.

    ``options`` are further ones of the command line.

    The worker is known by its port: with another it would be a new one, without tables. Raises RuntimeError where
    they did not become ready.
    """
    own = {f"{PREFIX}DATA_DIR": str(folder), f"{PREFIX}WEB_PORT": str(web_port), "PYTHONUNBUFFERED": "1"}
    begun = time.perf_counter()
    environment = {**os.environ, **own}
    with subprocess.Popen([*RUN, *options], stdout=subprocess.PIPE, text=True, env=environment) as launcher:  # noqa: S603 - our own
        assert launcher.stdout
        late = Timer(DEADLINE, launcher.terminate)
        late.start()
        ready = any(line.startswith("ready:") for line in launcher.stdout)
        seconds = time.perf_counter() - begun
        late.cancel()
        launcher.terminate()
        launcher.stdout.read()
    if not ready:
        raise RuntimeError(f"not ready within {DEADLINE:.0f} s")
    return seconds
