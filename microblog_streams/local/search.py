"""The search of ``make run``: engine and indexer, started once all else is ready, so that nothing waits for them.

An engine that cannot start, or keeps ending, is told of and left alone: without it everything but search works.
"""

import sys
from collections.abc import Callable
from threading import Thread

from microblog_streams.config.settings import PREFIX, Settings
from microblog_streams.local.opensearch import OpenSearch
from microblog_streams.local.stack import RestartLimit, Stack
from microblog_streams.local.workers import Workers

INDEXER = (sys.executable, "-m", "faust", "-A", "microblog_streams.search")
#: The indexer's name, of its folder and its log.
NAME = "search"


class Search:
    """Engine and indexer. Methods return at once, but for ``stop``."""

    def __init__(self, stack: Stack, settings: Settings, web_port: int, notice: Callable[[str], None]) -> None:
        """Start both. ``web_port`` is where the indexer shows its health; ``notice`` shows a line."""
        assert stack.children
        self._stack = stack
        self._notice = notice
        self._restart_limit = RestartLimit()
        self._given_up = False
        self._starting = self._start_engine()
        own = settings.model_copy(update={"web_port": web_port, "worker": NAME})
        fixed = {f"{PREFIX}WORKER": NAME}
        self._indexer = Workers(stack.children, own, 1, notice, faust=INDEXER, fixed=fixed)

    def look_after(self) -> None:
        """Start again what has ended. To be called again and again."""
        self._indexer.look_after()
        engine = self._stack.late[OpenSearch.name]
        if self._given_up or self._starting.is_alive() or engine.child is None or engine.child.exit_status() is None:
            return
        if self._restart_limit.allows(engine.name):
            self._notice(f"{engine.name} ended; starting it again ({engine.log_file})")
            self._starting = self._start_engine()
        else:
            self._given_up = True
            self._notice(f"{engine.name} ended {self._restart_limit}: there is no search until the next start")

    def stop(self) -> None:
        """Stop the indexer, and wait for the engine's start no more; the stack stops the engine."""
        self._stack.interrupt()
        self._indexer.stop()

    def _start_engine(self) -> Thread:
        thread = Thread(target=self._stack.start_late, args=(OpenSearch.name, self._notice), daemon=True)
        thread.start()
        return thread
