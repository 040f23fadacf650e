"""What stands before the workers: it spreads calls over them, and spares for a while those that do not answer."""

import threading
import time

#: Seconds for which a worker that did not answer is sent nothing.
REST = 3.0


class Gateway:
    """Knows where workers are. Safe to use from several threads."""

    def __init__(self) -> None:
        self._urls: tuple[str, ...] = ()
        self._lock = threading.Lock()
        #: When a worker is tried again that did not answer.
        self._resting: dict[str, float] = {}

    def add(self, url: str) -> None:
        """Send this worker its share from now on."""
        with self._lock:
            self._urls = (*(other for other in self._urls if other != url), url)
            self._resting.pop(url, None)

    def remove(self, url: str) -> None:
        """Send this worker nothing from now on."""
        with self._lock:
            self._urls = tuple(other for other in self._urls if other != url)

    def spare(self, url: str) -> None:
        """Send this worker nothing for a while, as long as there is another."""
        with self._lock:
            self._resting[url] = time.monotonic() + REST

    def choose(self, number: int) -> str | None:
        """Return the worker for a call; None where there is none at all."""
        with self._lock:
            now = time.monotonic()
            urls = [url for url in self._urls if self._resting.get(url, now) <= now] or self._urls
            return urls[number % len(urls)] if urls else None
