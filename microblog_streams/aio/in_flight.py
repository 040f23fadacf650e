"""What is under way, so that somebody can wait for its end without waiting for what begins meanwhile."""

import asyncio
import contextlib
from collections.abc import Iterator


class InFlight:
    """A number of things that are under way at a time."""

    def __init__(self) -> None:
        """Nothing is."""
        self._ends: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        """Return how many things are under way."""
        return len(self._ends)

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Count as one of them inside the block."""
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ends.add(end)
        try:
            yield
        finally:
            end.set_result(None)
            self._ends.discard(end)

    async def ended(self, patience: float | None = None) -> bool:
        """Wait for all that are under way now, for ``patience`` seconds at most; tell whether they have ended."""
        if not self._ends:
            return True
        _, late = await asyncio.wait(list(self._ends), timeout=patience)
        return not late
