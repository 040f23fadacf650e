"""A stage: a stack and workers of one's own below a fresh data folder, for as long as a piece of work takes.

All of it is ``make run``'s machinery; here the work runs in an event loop in a thread beside the supervision, so that a
worker that dies is started again, and Ctrl-C ends everything.
"""

import asyncio
import os
import random
import shutil
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TypeVar

import uvloop
from rich.console import Console

from microblog_streams.config.addresses import join_host_port
from microblog_streams.config.settings import NO_LIMITS, PREFIX, Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.local import ports
from microblog_streams.local.folder_lock import FolderLock
from microblog_streams.local.foreground import Foreground
from microblog_streams.local.jars import Interrupted
from microblog_streams.local.options import load_local_settings
from microblog_streams.local.run import run
from microblog_streams.local.server import LocalServer
from microblog_streams.local.stack import Stack
from microblog_streams.local.workers import Workers

T = TypeVar("T")
#: Variables that lead to a user's own stack; a stage has its own.
_LEADING = ("_URL", "_PORT", "DATA_DIR", "ADMIN_TOKEN", "WORKER", "WEB_HOST")


@dataclass(frozen=True)
class Stage:
    """What work finds on the stage: settings that lead to the stores, one URL a worker, and the processes."""

    settings: Settings
    urls: Sequence[str]
    console: Console
    stack: Stack
    workers: Workers

    def processes(self) -> dict[str, int]:
        """Return the id of every process that was started (children not counted), by the part's or worker's name."""
        parts = {name: part.child.pid for name, part in self.stack.parts.items() if part.child}
        return parts | {worker.name: worker.child.pid for worker in self.workers.all}


def play(
    folder: Path,
    count: int,
    work: Callable[[Stage], Coroutine[None, None, T]],
    web_port: int | None = None,
    late: Sequence[type[LocalServer]] = (),
) -> T:
    """Start stack and ``count`` workers in an emptied ``folder``, do the work, stop all.

    ``web_port`` is the first worker's; a free one where it is not given. ``late`` are parts for which the work does not
    wait: the search engine, with its indexer. Raises SetupError where the others cannot start, Interrupted after
    Ctrl-C, and what the work raises.
    """
    detach_environment()
    os.environ[f"{PREFIX}AUTH"] = "open"  # the load is everybody at once
    lift_limits()
    empty(folder)
    console = Console()
    settings = Settings(data_dir=folder, web_port=web_port or free_ports(count + len(late)))
    foreground = Foreground(Stack(folder, load_local_settings(), console=console, late=late), console)
    outcome: list[T] = []

    def act(foreground: Foreground, settings: Settings, workers: Workers) -> None:
        urls = [f"http://{join_host_port(settings.web_host, worker.web_port)}" for worker in workers.all]
        stack = foreground.stack
        stage = Stage(stack.settings, urls, console, stack, workers)
        outcome.append(_beside(foreground, workers, work(stage)))

    run(foreground, settings, count, act)
    if not outcome:
        raise Interrupted
    return outcome[0]


def detach_environment() -> None:
    """Forget the variables that lead to another stack."""
    for name in [name for name in os.environ if name.startswith(PREFIX) and name.endswith(_LEADING)]:
        del os.environ[name]


def lift_limits() -> None:
    """Have workers do as much as they can for one address: all load comes from this one."""
    os.environ.update({f"{PREFIX}{name.upper()}": value for name, value in NO_LIMITS.items()})
    os.environ[f"{PREFIX}MAX_CONNECTIONS_PER_ADDRESS"] = "0"


def empty(folder: Path) -> None:
    """Remove what an earlier run left in a data folder. Raises SetupError where it is none, or a stack runs there."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "stack.lock").exists():
        raise SetupError(f"{folder} is not empty, and no data folder: it would be removed; name another")
    lock = FolderLock(folder)
    try:
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "stack.lock":
                path.unlink()
    finally:
        lock.release()


def free_ports(count: int) -> int:
    """Return a port that is free, and the ``count - 1`` after it too. Raises SetupError."""
    for first in random.sample(ports.RANGE[:-count], 1_000):
        if all(ports.is_free(port) for port in range(first, first + count)):
            return first
    raise SetupError(f"no {count} ports in a row are free")


def _beside(foreground: Foreground, workers: Workers, work: Coroutine[None, None, T]) -> T:
    loop = uvloop.new_event_loop()
    thread = Thread(target=loop.run_forever, name="work")
    thread.start()
    future: Future[T] = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        while not future.done():
            if not foreground.tick():
                raise Interrupted
            workers.look_after()
        return future.result()
    finally:
        loop.call_soon_threadsafe(_end, loop)
        thread.join()
        loop.close()


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what runs, and stop the loop after it."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    asyncio.gather(*tasks, return_exceptions=True).add_done_callback(lambda _: loop.stop())
