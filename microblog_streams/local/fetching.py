"""Fetching what the cache lacks, all parts side by side, with a progress bar."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from microblog_streams.local.jars import Jar, JarSet, fetch


class Interrupted(Exception):
    """Somebody wants the start to end; not an error."""


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
