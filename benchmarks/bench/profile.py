"""Where the worker's time goes while a scene is played: its stacks, sampled from outside by py-spy.

The recording goes on over a worker's end and start, in a file for each process: collapsed stacks, as flame graphs are
drawn from. What is printed is the functions' own time: C code counts for the Python function that called it. A process
that is sampled stands still for each sample, so figures of a scene that is profiled are slower than they should be.
"""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks.bench.setting import Setting

#: Samples a second, functions that are printed, and seconds between looks for the worker's next process.
RATE, SHOWN, LOOK = 200, 25, 0.2
_SPY: Final = (
    str(Path(sys.executable).with_name("py-spy")),
    "record",
    "--format",
    "raw",
    "--function",
    "--gil",
    "--rate",
    str(RATE),
)


@asynccontextmanager
async def profiled(at: Setting, scene: str) -> AsyncIterator[None]:
    """Record the worker for the length of the block; print where its time went. Raises RuntimeError."""
    folder = at.on.stage.settings.data_dir / "profiles"
    folder.mkdir(exist_ok=True)
    recording = asyncio.create_task(_record(at, folder / scene))
    try:
        yield
    finally:
        recording.cancel()
        with suppress(asyncio.CancelledError):
            await recording
    stacks = [line for file in sorted(folder.glob(f"{scene}-*.txt")) for line in file.read_text().splitlines()]
    at.on.stage.console.print(f"own time in {scene}; stacks in {folder}", *top(stacks), sep="\n", highlight=False)


def top(stacks: Iterable[str]) -> list[str]:
    """Return the functions with the most own time, and its share of the samples, from lines "f;g;h samples"."""
    own: Counter[str] = Counter()
    for line in stacks:
        stack, samples = line.rsplit(" ", 1)
        own[stack.rsplit(";", 1)[-1]] += int(samples)
    return [f"{samples / own.total():6.1%}  {function}" for function, samples in own.most_common(SHOWN)]


async def _record(at: Setting, place: Path) -> None:
    """Record one process of the worker after the other, until cancelled."""
    for number in count(1):
        failure = await _record_process(at.pid, place.with_name(f"{place.name}-{number}.txt"))
        if failure and number == 1:
            raise RuntimeError(f"py-spy cannot record the worker: {failure}")
        await asyncio.sleep(LOOK)


async def _record_process(pid: int, file: Path) -> str:
    """Record a process until its end; return why it cannot be recorded, "" where it was."""
    command = [*_SPY, "--pid", str(pid), "--output", str(file)]
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=null, stderr=pipe)
    try:
        _, errors = await process.communicate()
    except asyncio.CancelledError:
        process.send_signal(signal.SIGINT)  # it writes what it has
        await process.wait()
        raise
    return errors.decode() if process.returncode else ""
